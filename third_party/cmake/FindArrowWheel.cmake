# Finds Arrow's C++ libraries in the PyPI wheel pyarrow and defines the targets ArrowWheel::arrow and ArrowWheel::parquet.
# find_package(Arrow) would find nothing, because the wheel has no CMake files and its libraries have the version in their names.
# Input: ARROW_WHEEL_ROOT, the pyarrow/ folder of the wheel. Default: .deps/wheels/pyarrow.
set(ARROW_WHEEL_ROOT "${CMAKE_SOURCE_DIR}/.deps/wheels/pyarrow" CACHE PATH "pyarrow/ folder of the wheel")
find_path(ArrowWheel_INCLUDE_DIR arrow/api.h PATHS ${ARROW_WHEEL_ROOT} PATH_SUFFIXES include NO_DEFAULT_PATH)
file(GLOB ArrowWheel_arrow ${ARROW_WHEEL_ROOT}/libarrow.so.*)
file(GLOB ArrowWheel_parquet ${ARROW_WHEEL_ROOT}/libparquet.so.*)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowWheel REQUIRED_VARS ArrowWheel_arrow ArrowWheel_parquet ArrowWheel_INCLUDE_DIR)
if(NOT ArrowWheel_FOUND OR TARGET ArrowWheel::arrow)
  return()
endif()
foreach(_l arrow parquet)
  add_library(ArrowWheel::${_l} SHARED IMPORTED)
  set_target_properties(ArrowWheel::${_l} PROPERTIES IMPORTED_LOCATION "${ArrowWheel_${_l}}"
    INTERFACE_INCLUDE_DIRECTORIES "${ArrowWheel_INCLUDE_DIR}"
    INTERFACE_LINK_OPTIONS "LINKER:-rpath,${ARROW_WHEEL_ROOT}")
endforeach()
target_link_libraries(ArrowWheel::parquet INTERFACE ArrowWheel::arrow)
