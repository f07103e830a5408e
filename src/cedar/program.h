/* program.h - a policy set made ready to be asked: compiled, indexed, never changed again.
 *
 * What the compiler does: constants are folded; each policy's scope (and what its conditions say
 * about scope before anything can fail) puts it in an index by action, principal and resource, so
 * that a decision looks at candidates only; conditions become a short program for the machine in
 * machine.h, with attributes as name numbers and literal sets sorted.
 *
 * A program is immutable: any number of readers share it, and a new set is put in force by swapping
 * one pointer.  It borrows the tree it was made from (policy ids, annotations, positions; their
 * arena must outlive it) and the names.
 */
#pragma once

#include "cedar/ast.h"

struct cedar_program;

/* NULL with ERR_INPUT: a template slot is left open, or a limit is passed. */
struct cedar_program *cedar_compile(const struct cedar_policies *policies,
				    struct cedar_names *names, struct err *e);
struct cedar_program *cedar_program_hold(struct cedar_program *program); /* one more owner */
void cedar_program_free(struct cedar_program *program); /* one owner less; NULL is fine */

/* Policies are numbered as in the set: 0 to count-1.  Answers name them by number. */
uint32_t cedar_program_count(const struct cedar_program *program);
const struct cedar_policy *cedar_program_policy(const struct cedar_program *program,
						uint32_t policy);
const struct cedar_names *cedar_program_names(const struct cedar_program *program);

/* Top-level context fields the set mentions: bit i of cedar_answer.context_read is field i.
 * Bit CEDAR_CONTEXT_OTHER stands for the whole context and for fields past the 63rd. */
enum { CEDAR_CONTEXT_OTHER = 63 };
uint32_t cedar_program_context_count(const struct cedar_program *program); /* at most 63 */
uint32_t cedar_program_context_name(const struct cedar_program *program, uint32_t field);
/* The bit of one field, 0 when no policy mentions it. */
uint64_t cedar_program_context_bit(const struct cedar_program *program, uint32_t name);

size_t cedar_program_bytes(const struct cedar_program *program); /* heap it holds, tree excluded */
