/* builtin.h - the policy set of a first run: our schema, operators' rights, no topic space. */
#pragma once

extern const char builtin_schema[];
extern const char builtin_operators[];
