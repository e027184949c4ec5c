# Configure-time checks of what the build relies on, each with one clear message.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 11)
  message(FATAL_ERROR "assay needs g++ 11 or newer for C++20; this is ${CMAKE_CXX_COMPILER_VERSION}. For example, set CXX=g++-11.")
endif()

# assay_check_lua(): stops with a message unless the Lua in use was compiled as C++.
function(assay_check_lua)
  if(DEFINED ASSAY_LUA_RUNS_DESTRUCTORS)
    return()
  endif()
  try_run(lua_run lua_compiled ${CMAKE_BINARY_DIR}/lua_destructors ${CMAKE_SOURCE_DIR}/third_party/cmake/lua_destructors.cpp
    CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${LUA_INCLUDE_DIRS}" LINK_LIBRARIES ${LUA_LINK_LIBRARIES} ${CMAKE_DL_LIBS} m
    COMPILE_OUTPUT_VARIABLE output)
  set(run ${lua_run})
  set(compiled ${lua_compiled})
  unset(lua_run CACHE)                              # try again next time if it failed now
  unset(lua_compiled CACHE)
  if(NOT compiled)
    message(FATAL_ERROR "A program with lua5.4-c++ does not compile:\n${output}")
  endif()
  if(NOT run EQUAL 0)
    message(FATAL_ERROR "This lua5.4-c++ does not run C++ destructors when a script fails: it was compiled as C. "
      "Debian's and Ubuntu's liblua5.4-dev has the right one.")
  endif()
  set(ASSAY_LUA_RUNS_DESTRUCTORS ON CACHE INTERNAL "lua_error unwinds C++ frames")
endfunction()
