/* gen_man_ctl.c - prints muster(1), or with "completion" the bash completion, from the table. */
#include "ctl/man.h"

int main(int argc, char **argv)
{
	bool is_completion = argc > 1 && !strcmp(argv[1], "completion");
	struct buf out;

	buf_init(&out, 1 << 20);
	if (!(is_completion ? man_completion(&out) : man_write(&out)))
		return 1;
	(void)fwrite(out.ptr, 1, out.len, stdout);
	buf_done(&out);
	return fflush(stdout) != 0;
}
