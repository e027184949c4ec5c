# Build helpers: one call declares a room of the host, a plugin or a test program.

set(ASSAY_WARNINGS -Wall -Wextra -Wconversion -Wshadow)

add_library(assay_flags INTERFACE)
target_compile_options(assay_flags INTERFACE ${ASSAY_WARNINGS})
if(ASSAY_SANITIZE)
  target_compile_options(assay_flags INTERFACE -fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")          # g++ 12 then warns about its own std::regex
    target_compile_options(assay_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  target_link_options(assay_flags INTERFACE -fsanitize=${ASSAY_SANITIZE})
endif()

# g++ collects garbage each time its heap has grown by a third, and walks the precompiled header each time. A large
# minimum heap size avoids this.
set(ASSAY_PCH_OPTIONS -Winvalid-pch -fpch-preprocess)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND ASSAY_PCH_OPTIONS --param=ggc-min-heapsize=1048576)
endif()

# assay_precompiled(NAME FILE headers...): makes a precompiled header from these headers of the host and from standard
# headers that nearly every file includes. FILE is the source file that is compiled with it.
function(assay_precompiled name file)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/host/)
  add_library(assay_${name}_pch OBJECT ${file})
  target_include_directories(assay_${name}_pch PRIVATE ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(assay_${name}_pch PRIVATE assay_flags)
  if(ASSAY_PCH)
    target_compile_options(assay_${name}_pch PRIVATE ${ASSAY_PCH_OPTIONS})
    target_precompile_headers(assay_${name}_pch PRIVATE ${ARGN} <filesystem> <functional> <memory> <string> <unordered_map> <vector>)
  endif()
endfunction()

# assay_reuse(TARGET NAME): the target's files begin with the precompiled header NAME. g++ takes it only where the code
# model agrees: programs are therefore compiled like libraries (-fPIC, not CMake's -fPIE).
function(assay_reuse target name)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  if(ASSAY_PCH)
    target_compile_options(${target} PRIVATE ${ASSAY_PCH_OPTIONS})
    target_precompile_headers(${target} REUSE_FROM assay_${name}_pch)
  endif()
endfunction()

# assay_room(NAME [TENSOR] [GLUE] [JSON] [FOLDERS subfolders...] [LINK libs...] [EXCLUDE files...]): the static library
# assay_NAME from every .cpp of this folder and of the named subfolders.
# TENSOR: its files include ATen. JSON: most of its files include JSON, and none includes ATen. GLUE: it calls what other
# rooms compute and has only short loops of its own.
function(assay_room name)
  cmake_parse_arguments(arg "TENSOR;GLUE;JSON" "" "FOLDERS;LINK;EXCLUDE" ${ARGN})
  list(TRANSFORM arg_FOLDERS APPEND /*.cpp OUTPUT_VARIABLE nested)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp ${nested})
  foreach(excluded ${arg_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${excluded})
  endforeach()
  add_library(assay_${name} STATIC ${sources})
  target_include_directories(assay_${name} PUBLIC ${CMAKE_SOURCE_DIR}/host ${CMAKE_SOURCE_DIR}/plugin_api)
  target_link_libraries(assay_${name} PRIVATE assay_flags PUBLIC ${arg_LINK})
  if(arg_TENSOR)
    assay_use_tensors(assay_${name})
  elseif(arg_JSON)
    assay_reuse(assay_${name} json)
  endif()
  if(arg_GLUE)
    assay_is_glue(assay_${name})
  endif()
endfunction()

# The target calls and arranges what others compute: -O1 compiles a quarter faster and costs it nothing.
function(assay_is_glue target)
  target_compile_options(${target} PRIVATE -O1)
endfunction()

# The target's files may include ATen.
function(assay_use_tensors target)
  target_link_libraries(${target} PUBLIC LibTorch::cpu)
  assay_reuse(${target} tensor)
endfunction()

# assay_add_plugin(NAME SOURCES files... [LINK libs...] [DEFINE defs...]): NAME.assay.so in build/plugins.
# It includes plugin_api and its own folder, exports one symbol, and has no unresolved symbols.
function(assay_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;DEFINE" ${ARGN})
  add_library(${name}_plugin MODULE ${arg_SOURCES})
  target_include_directories(${name}_plugin PRIVATE ${CMAKE_SOURCE_DIR}/plugin_api ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}_plugin PRIVATE assay_flags ${arg_LINK})
  target_compile_definitions(${name}_plugin PRIVATE ${arg_DEFINE})
  set_target_properties(${name}_plugin PROPERTIES PREFIX "" OUTPUT_NAME ${name} SUFFIX ".assay.so"
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/plugin_api/assay.map)
  target_link_options(${name}_plugin PRIVATE LINKER:-z,now
    LINKER:--version-script=${CMAKE_SOURCE_DIR}/plugin_api/assay.map)
  if(NOT (ASSAY_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")) # clang does not link its sanitizer into a .so
    target_link_options(${name}_plugin PRIVATE LINKER:-z,defs)
  endif()
  add_dependencies(assay_plugins ${name}_plugin)
endfunction()

# assay_test(NAME [TENSOR] [FOLDERS folders...] [LINK libs...]): the Catch2 program test_NAME from the *_test.cpp of these
# folders (default: NAME); ctest sees one test per file, unit.FOLDER.FILE with dots for slashes.
function(assay_test name)
  cmake_parse_arguments(arg "TENSOR" "" "FOLDERS;LINK" ${ARGN})
  if(NOT arg_FOLDERS)
    set(arg_FOLDERS ${name})
  endif()
  list(TRANSFORM arg_FOLDERS APPEND /*_test.cpp OUTPUT_VARIABLE patterns)
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${patterns})
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE assay_flags assay_catch_main ${arg_LINK})
  target_compile_definitions(test_${name} PRIVATE ASSAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}" ASSAY_BUILD_DIR="${CMAKE_BINARY_DIR}")
  assay_is_glue(test_${name})
  if(arg_TENSOR)
    assay_use_tensors(test_${name})
  endif()
  foreach(source ${sources})
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(stem ${source} NAME_WE)
    string(REGEX REPLACE "_test$" "" short ${stem})
    string(REPLACE "/" "." room ${folder})
    add_test(NAME unit.${room}.${short} COMMAND test_${name} "-#" "[#${stem}]")
    set_tests_properties(unit.${room}.${short} PROPERTIES TIMEOUT 300 ENVIRONMENT "OMP_WAIT_POLICY=passive"
      SKIP_RETURN_CODE 77)
  endforeach()
endfunction()
