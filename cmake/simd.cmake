# The inner loops (csrc/kernels.cpp, csrc/screen_kernels.cpp) are compiled once per instruction set, and the fastest the machine can run is picked
# when the module loads (csrc/kernels_dispatch.cpp). Nothing else is compiled for more than the platform's baseline.
set(BCL_KERNEL_OBJECTS)

function(bcl_add_kernels name)
  add_library(kernels_${name} OBJECT csrc/kernels.cpp csrc/screen_kernels.cpp)
  target_compile_definitions(kernels_${name} PRIVATE BCL_SIMD=${name})
  # No trap or errno semantics are relied on; contraction to fused multiply-add is wanted.
  target_compile_options(kernels_${name} PRIVATE -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast ${ARGN})
  target_link_libraries(kernels_${name} PRIVATE bcl_options)
  set(BCL_KERNEL_OBJECTS ${BCL_KERNEL_OBJECTS} $<TARGET_OBJECTS:kernels_${name}> PARENT_SCOPE)
endfunction()

bcl_add_kernels(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  bcl_add_kernels(avx2 -mavx2 -mfma)
  bcl_add_kernels(avx512 -mavx512f -mavx512vl -mavx512dq -mavx512bw -mfma -mprefer-vector-width=512)
  bcl_add_kernels(avx512vnni -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx512vnni -mfma -mprefer-vector-width=512)
endif()
