#include "ctl/folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool folder_is(struct ctl *c, struct str path)
{
	struct str name = arena_dup(c->mem, path);
	struct stat st;

	return name.ptr && stat(name.ptr, &st) == 0 && S_ISDIR(st.st_mode);
}

bool folder_list(struct ctl *c, struct str path, struct folder *out, struct err *e)
{
	struct str name = arena_dup(c->mem, path);
	DIR *dir = opendir(name.ptr);
	const struct dirent *entry;

	*out = (struct folder){ 0 };
	if (!dir)
		return err_set(e, ERR_MISSING, "'" STR_FMT "' is no folder", STR_ARG(path));
	while ((entry = readdir(dir)) && out->count < FOLDER_FILES) {
		struct str file = str_of(entry->d_name);

		if (!str_starts(file, STR(".")))
			out->names[out->count++] = arena_dup(c->mem, file);
	}
	bool is_whole = entry == NULL;
	(void)closedir(dir);
	qsort(out->names, out->count, sizeof(out->names[0]), by_name);
	return is_whole || err_set(e, ERR_INPUT, "more than %d files in '" STR_FMT "'",
				   FOLDER_FILES, STR_ARG(path));
}
