#include "tpm/swtpm.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool shell(const char *command)
{
	int status = system(command); /* NOLINT: a test, with words of its own */

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_free(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

/* The TCTI expects the control channel at the next port. */
static int free_port(void)
{
	for (int port = 20000 + (int)(getpid() % 5000) * 4; port < 60000; port += 2)
		if (is_free(port) && is_free(port + 1))
			return port;
	return 0;
}

static bool write_text(const char *folder, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	return f && fputs(text, f) >= 0 && fclose(f) == 0;
}

bool swtpm_make(struct swtpm *t)
{
	char text[1024];

	*t = (struct swtpm){ .folder = "/tmp/muster-swtpm-XXXXXX" };
	if (!mkdtemp(t->folder))
		return false;
	(void)snprintf(text, sizeof(text),
		       "statedir = %s\nsigningkey = %s/signkey.pem\nissuercert = %s/issuer.pem\n"
		       "certserial = %s/serial\n",
		       t->folder, t->folder, t->folder, t->folder);
	bool ok =
		write_text(t->folder, "ca.conf", text) &&
		write_text(t->folder, "ca.options",
			   "--platform-manufacturer M\n--platform-version 1\n--platform-model p\n");
	(void)snprintf(
		text, sizeof(text),
		"create_certs_tool=/usr/bin/swtpm_localca\ncreate_certs_tool_config=%s/ca.conf\n"
		"create_certs_tool_options=%s/ca.options\nactive_pcr_banks = sha256\n",
		t->folder, t->folder);
	ok = ok && write_text(t->folder, "setup.conf", text);
	(void)snprintf(text, sizeof(text),
		       "swtpm_setup --tpm2 --tpmstate %s --config %s/setup.conf --create-ek-cert "
		       "--pcr-banks sha256 --overwrite >%s/setup.log 2>&1",
		       t->folder, t->folder, t->folder);
	return ok && shell(text);
}

static bool answers(const struct swtpm *t)
{
	for (int i = 0; i < 100; i++) {
		if (swtpm_run(t, "tpm2_getrandom --hex 4"))
			return true;
		usleep(20000);
	}
	return false;
}

bool swtpm_on(struct swtpm *t)
{
	char state[80];
	char server[64];
	char ctrl[64];

	t->port = free_port();
	(void)snprintf(t->tcti, sizeof(t->tcti), "swtpm:host=127.0.0.1,port=%d", t->port);
	(void)snprintf(state, sizeof(state), "dir=%s", t->folder);
	(void)snprintf(server, sizeof(server), "type=tcp,port=%d,bindaddr=127.0.0.1", t->port);
	(void)snprintf(ctrl, sizeof(ctrl), "type=tcp,port=%d,bindaddr=127.0.0.1", t->port + 1);
	t->pid = fork();
	if (t->pid == 0) {
		(void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server",
			     server, "--ctrl", ctrl, "--flags", "not-need-init,startup-clear",
			     (char *)NULL);
		_exit(127);
	}
	return t->pid > 0 && answers(t);
}

void swtpm_off(struct swtpm *t)
{
	if (t->pid <= 0)
		return;
	kill(t->pid, SIGTERM);
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

void swtpm_drop(struct swtpm *t)
{
	char command[128];

	swtpm_off(t);
	(void)snprintf(command, sizeof(command), "rm -rf %s", t->folder);
	if (t->folder[0])
		(void)shell(command);
}

bool swtpm_run(const struct swtpm *t, const char *command)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "TPM2TOOLS_TCTI=%s %s >>%s/run.log 2>&1", t->tcti,
		       command, t->folder);
	return shell(text);
}
