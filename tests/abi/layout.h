/* STRUCT and FIELD print one line of the layout table: "struct size N" or "struct.member offset size", in bytes. */
#pragma once

#include <assay.h>
#include <stddef.h>
#include <stdio.h>

#define STRUCT(type) printf("%s size %zu\n", #type, sizeof(type))
#define FIELD(type, member) \
  printf("%s.%s %zu %zu\n", #type, #member, offsetof(type, member), sizeof(((type *)0)->member))

void print_base(void);
void print_layer(void);
void print_kinds(void);
void print_extensions(void);
