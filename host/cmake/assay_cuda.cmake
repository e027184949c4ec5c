# Decides whether CUDA sources (.cu) are compiled. They are if an nvcc of LibTorch's CUDA version (13) is found and LibTorch
# has libc10_cuda.so. `--device cuda` works without them, because it loads LibTorch's own kernels at run time.
# Sets ASSAY_CUDA and offers assay_use_cuda(target).

set(ASSAY_CUDA OFF)
set(ASSAY_CUDA_ARCHITECTURES 80-real 90 CACHE STRING
  "GPU kinds to compile for; releases: 75-real;80-real;86-real;89-real;90-real;100-real;120")

find_program(ASSAY_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
if(NOT ASSAY_NVCC)
  message(STATUS "CUDA sources: left out, no nvcc was found")
elseif(NOT TARGET LibTorch::c10_cuda)
  message(STATUS "CUDA sources: left out, this LibTorch has no libc10_cuda.so")
else()
  execute_process(COMMAND ${ASSAY_NVCC} --version OUTPUT_VARIABLE nvcc_says ERROR_QUIET)
  string(REGEX MATCH "release ([0-9]+)" nvcc_release "${nvcc_says}")
  if(NOT CMAKE_MATCH_1 EQUAL 13)
    message(STATUS "CUDA sources: left out, LibTorch uses CUDA 13 and ${ASSAY_NVCC} is ${nvcc_release}")
  else()
    set(CMAKE_CUDA_COMPILER ${ASSAY_NVCC})
    set(CMAKE_CUDA_ARCHITECTURES ${ASSAY_CUDA_ARCHITECTURES})
    enable_language(CUDA)
    if(CMAKE_VERSION VERSION_LESS 3.26)             # it does not know C++20 for CUDA
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(ASSAY_CUDA ON)
    message(STATUS "CUDA sources: compiled by ${ASSAY_NVCC} for ${CMAKE_CUDA_ARCHITECTURES}")
  endif()
endif()

# The target's .cu files include the stream and the guard of c10 (a library of LibTorch), but never ATen: kernels take raw
# pointers and a stream.
function(assay_use_cuda target)
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_RUNTIME_LIBRARY Shared)
  target_link_libraries(${target} PRIVATE LibTorch::c10_cuda)
endfunction()
