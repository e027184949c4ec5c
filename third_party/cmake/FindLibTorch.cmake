# Finds LibTorch in the PyPI wheel torch and defines the targets LibTorch::c10 and LibTorch::cpu. If the wheel has
# libc10_cuda.so it also defines LibTorch::c10_cuda, and LibTorch::cuda if all libraries that it needs are there.
# find_package(Torch) is not used, because it requires a CUDA toolkit and links libtorch_cuda.
# Input: LIBTORCH_ROOT, the torch/ folder of the wheel. Default: .deps/wheels/torch, where ./assay puts it.
set(LIBTORCH_ROOT "${CMAKE_SOURCE_DIR}/.deps/wheels/torch" CACHE PATH "torch/ folder of the wheel")
set(_roots "${LIBTORCH_ROOT}")
find_path(LibTorch_INCLUDE_DIR ATen/ATen.h PATHS ${_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
foreach(_l torch_cpu c10)
  find_library(LibTorch_${_l} ${_l} PATHS ${_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
endforeach()
if(EXISTS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h")
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _v REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _v "${_v}")
  list(JOIN _v "." LibTorch_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_torch_cpu LibTorch_c10 LibTorch_INCLUDE_DIR
                                  VERSION_VAR LibTorch_VERSION)
if(NOT LibTorch_FOUND OR TARGET LibTorch::cpu)
  return()
endif()
get_filename_component(_lib "${LibTorch_torch_cpu}" DIRECTORY)
get_filename_component(_site "${_lib}/../.." ABSOLUTE)
add_library(LibTorch::c10 SHARED IMPORTED)
set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_c10}")
add_library(LibTorch::cpu SHARED IMPORTED)
set_target_properties(LibTorch::cpu PROPERTIES IMPORTED_LOCATION "${LibTorch_torch_cpu}"
  INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
  INTERFACE_COMPILE_DEFINITIONS AT_PER_OPERATOR_HEADERS
  INTERFACE_LINK_LIBRARIES LibTorch::c10 INTERFACE_LINK_OPTIONS "LINKER:-rpath,${_lib}")
file(GLOB _nv "${_site}/nvidia/*/lib")              # cu13, cudnn, nccl, nvshmem, cusparselt
set(LibTorch_CUDA_MISSING "")
foreach(_so libtorch_cuda.so libc10_cuda.so libcudart.so.13 libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12
        libcusparse.so.12 libcusparseLt.so.0 libcufile.so.0 libcurand.so.10 libnccl.so.2 libnvshmem_host.so.3)
  find_file(_f ${_so} PATHS ${_lib} ${_nv} NO_DEFAULT_PATH NO_CACHE)
  if(NOT _f)
    list(APPEND LibTorch_CUDA_MISSING ${_so})
  endif()
  unset(_f)
endforeach()
if(EXISTS "${_lib}/libc10_cuda.so")                 # CUDA plugins need only this (stream, guard)
  add_library(LibTorch::c10_cuda SHARED IMPORTED)
  set_target_properties(LibTorch::c10_cuda PROPERTIES IMPORTED_LOCATION "${_lib}/libc10_cuda.so"
    INTERFACE_LINK_LIBRARIES LibTorch::cpu)
endif()
if(NOT LibTorch_CUDA_MISSING)
  add_library(LibTorch::cuda SHARED IMPORTED)
  set_target_properties(LibTorch::cuda PROPERTIES IMPORTED_LOCATION "${_lib}/libtorch_cuda.so"
    INTERFACE_LINK_LIBRARIES LibTorch::c10_cuda)
endif()
