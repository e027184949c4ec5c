// Defines the main function of every unit-test program where Catch2 has version 2, which is headers only.
// With version 3 this file is empty, since the library of that version has a main function.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
