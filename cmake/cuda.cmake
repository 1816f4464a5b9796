# BCL_CUDA=AUTO|ON|OFF decides whether CUDA is built in. Sets BCL_WITH_CUDA and the interface library bcl_options.
set(BCL_CUDA "AUTO" CACHE STRING "Build with CUDA: AUTO (when nvcc is found), ON (required) or OFF")
set_property(CACHE BCL_CUDA PROPERTY STRINGS AUTO ON OFF)
string(TOUPPER "${BCL_CUDA}" bcl_cuda_choice)
if(NOT bcl_cuda_choice MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "BCL_CUDA must be AUTO, ON or OFF, got '${BCL_CUDA}'")
endif()

add_library(bcl_options INTERFACE)
set(BCL_WITH_CUDA OFF)

if(NOT bcl_cuda_choice STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90-real;100-real;120-real;120-virtual")
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(BCL_WITH_CUDA ON)
  elseif(bcl_cuda_choice STREQUAL "ON")
    message(FATAL_ERROR
      "BCL_CUDA=ON but no CUDA compiler was found. Put nvcc on PATH or set CUDACXX=/path/to/nvcc, "
      "or build without CUDA: BCL_CUDA=OFF (or AUTO).")
  endif()
endif()

if(BCL_WITH_CUDA)
  enable_language(CUDA)
  # CMake 3.25 knows no C++20 for nvcc 13.
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  message(STATUS "bcl_fast: CUDA ${CMAKE_CUDA_COMPILER_VERSION} is built in (BCL_CUDA=${bcl_cuda_choice})")
else()
  message(STATUS "bcl_fast: built without CUDA (BCL_CUDA=${bcl_cuda_choice})")
endif()
