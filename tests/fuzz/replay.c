/* replay.c - run every seed of a folder through a fuzz target, in a normal build. */
#include "base/attrs.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 1 << 20 };

static bool run_file(const char *folder, const char *name)
{
	static uint8_t data[SEED_MAX];
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	size_t len = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	/* An exact heap copy, so that a sanitizer sees the first byte read past the end. */
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return false;
	memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return true;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	size_t ran = 0;

	if (!d) {
		(void)fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
		return 2;
	}
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.') {
			if (!run_file(argv[1], e->d_name))
				return 1;
			ran++;
		}
	(void)closedir(d);
	printf("%zu seeds\n", ran);
	return ran ? 0 : 1; /* no seeds is a test that cannot fail */
}
