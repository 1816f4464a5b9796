# BCL_SANITIZE="address,undefined" or "thread" builds the core with those sanitizers (see `make sanitize`).
set(BCL_SANITIZE "" CACHE STRING "Sanitizers to build the core with, as for -fsanitize=")
if(BCL_SANITIZE)
  target_compile_options(bcl_options INTERFACE
    -fsanitize=${BCL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g -O1)
  target_link_options(bcl_options INTERFACE -fsanitize=${BCL_SANITIZE})
endif()
target_compile_options(bcl_options INTERFACE -Wall -Wextra)
