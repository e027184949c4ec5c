// The main function of every unit-test program, where Catch2 is the header-only version 2.
// Not used with version 3, whose own library brings a main.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
