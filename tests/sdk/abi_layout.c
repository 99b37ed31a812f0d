/* The contract as a C11 compiler sees it; pedantic warnings and padding are errors in this file. */
#include <trestle/ext/report.h>
#include <trestle/ext/stack.h>
#include <trestle/thin_transport.h>

#define ABI_TABLE(table, bytes) _Static_assert(sizeof(table) == (bytes), "size of " #table);
#define ABI_MEMBER(table, member, bytes) \
  _Static_assert(offsetof(table, member) == (bytes), "offset of " #table "." #member);
#define ABI_CONSTANT(name, value) _Static_assert((name) == (value), "value of " #name);

#include "abi_layout.def"
