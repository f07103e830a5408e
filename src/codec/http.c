#include "codec/http.h"

#include <string.h>

#include "codec/base64.h"
#include "codec/hex.h"

enum { CHUNK_LINE_MAX = 18, CHUNK_MAX = 1 << 30 };

static enum http_result bad(struct err *e, int *status, int code, const char *why)
{
	err_set(e, ERR_INPUT, "HTTP: %s", why);
	*status = code;
	return HTTP_BAD;
}

/* RFC 9110 5.6.2 */
static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char(s.ptr[i]))
			return false;
	return s.len > 0;
}

/* RFC 3986: pchar, '/' and '?'; an escape is looked at by itself. */
static bool is_target_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~!$&'()*+,;=:@/?", c));
}

/* Visible ASCII, spaces and tabs inside; nothing a log or another parser could trip over. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.ptr[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Where the empty line ends, when it is there; every line must end in CR LF. */
static enum http_result find_head(struct bytes in, size_t *len, struct err *e, int *status)
{
	size_t most = in.len < HTTP_HEAD_MAX ? in.len : HTTP_HEAD_MAX;

	for (size_t i = 0; i < most; i++) {
		uint8_t c = in.ptr[i];
		if (c == 0)
			return bad(e, status, 400, "NUL in the head");
		if (c == '\r' && i + 1 < most && in.ptr[i + 1] != '\n')
			return bad(e, status, 400, "CR without LF");
		if (c != '\n')
			continue;
		if (i == 0 || in.ptr[i - 1] != '\r')
			return bad(e, status, 400, "LF without CR");
		if (i >= 3 && in.ptr[i - 2] == '\n') {
			*len = i + 1;
			return HTTP_DONE;
		}
		if (i == 1)
			return bad(e, status, 400, "an empty line where a request should be");
	}
	if (in.len >= HTTP_HEAD_MAX)
		return bad(e, status, 431, "head is too long");
	return HTTP_MORE;
}

static struct str next_line(struct str *head)
{
	struct str line;

	(void)str_cut(*head, '\n', &line, head);
	line.len -= line.len > 0; /* its CR, which find_head saw */
	return line;
}

static const char *read_header(struct str line, struct http_headers *out)
{
	struct str name, value;

	if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
		return "folded header";
	if (!str_cut(line, ':', &name, &value))
		return "header without a colon";
	if (!is_token(name))
		return "header name is not a token";
	value = str_trim(value);
	if (!is_value(value))
		return "control character in a header";
	if (out->count == HTTP_HEADERS_MAX)
		return "too many headers";
	out->at[out->count++] = (struct http_header){ name, value };
	return NULL;
}

static const char *read_headers(struct str head, struct http_headers *out)
{
	const char *why = NULL;

	out->count = 0;
	while (!why && head.len > 2) /* what is left is the empty line */
		why = read_header(next_line(&head), out);
	return why;
}

struct str http_header(const struct http_headers *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_eq_nocase(h->at[i].name, str_of(name)))
			return h->at[i].value.ptr ? h->at[i].value : STR("");
	return (struct str){ 0 };
}

static size_t count_of(const struct http_headers *h, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += str_eq_nocase(h->at[i].name, str_of(name));
	return n;
}

/* RFC 9112 6: how the body is framed.  Two answers to that question are one too many. */
static const char *read_framing(const struct http_headers *h, enum http_framing *framing,
				uint64_t *length)
{
	size_t lengths = count_of(h, "Content-Length");
	size_t codings = count_of(h, "Transfer-Encoding");

	*framing = HTTP_NO_BODY;
	*length = 0;
	if (lengths && codings)
		return "Content-Length with Transfer-Encoding";
	if (lengths > 1 || codings > 1)
		return "the body is framed twice";
	if (codings) {
		*framing = HTTP_CHUNKED;
		return str_eq_nocase(http_header(h, "Transfer-Encoding"), STR("chunked"))
			       ? NULL
			       : "a Transfer-Encoding other than chunked";
	}
	if (lengths) {
		*framing = HTTP_LENGTH;
		struct str digits = http_header(h, "Content-Length");
		if (digits.len > 18 || !str_u64(digits, length))
			return "Content-Length is not a number";
	}
	return NULL;
}

static bool has_word(struct str list, struct str word)
{
	struct str one;

	while (list.len) {
		(void)str_cut(list, ',', &one, &list);
		if (str_eq_nocase(str_trim(one), word))
			return true;
	}
	return false;
}

/* The byte a %XX stands for; -1 when it is none. */
static int escaped_byte(struct str s, size_t at)
{
	if (at + 2 >= s.len)
		return -1;
	int high = hex_digit(s.ptr[at + 1]), low = hex_digit(s.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* RFC 3986 pchar and '/'; no escape that changes how a path is divided or hides a dot. */
static const char *check_path(struct str path)
{
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];
		if (c == '%') {
			int byte = escaped_byte(path, i);
			if (byte < 0)
				return "malformed escape in the path";
			if (byte < ' ' || byte == 0x7f || byte == '/' || byte == '\\' ||
			    byte == '.')
				return "escape that hides what the path is";
		} else if (!is_target_char(c) || c == '?') {
			return "character that does not belong in a path";
		}
	}
	for (struct str rest = str_from(path, 1), part; rest.len;) {
		(void)str_cut(rest, '/', &part, &rest);
		if (str_eqz(part, ".") || str_eqz(part, ".."))
			return "dot segment in the path";
	}
	return NULL;
}

static const char *check_query(struct str query)
{
	for (size_t i = 0; i < query.len; i++) {
		char c = query.ptr[i];
		if (c == '%' ? escaped_byte(query, i) < 0 : !is_target_char(c))
			return "character that does not belong in a query";
	}
	return NULL;
}

static bool is_known_method(struct str m)
{
	static const char *const methods[] = { "GET",  "POST",  "PUT",    "DELETE",
					       "HEAD", "PATCH", "OPTIONS" };

	for (size_t i = 0; i < countof(methods); i++)
		if (str_eqz(m, methods[i]))
			return true;
	return false;
}

static enum http_result read_request_line(struct str line, struct http_request *out, struct err *e)
{
	struct str target, version;

	if (!str_cut(line, ' ', &out->method, &target) || !str_cut(target, ' ', &target, &version))
		return bad(e, &out->status, 400, "malformed request line");
	if (!str_eqz(version, "HTTP/1.1"))
		return bad(e, &out->status, str_starts(version, STR("HTTP/")) ? 505 : 400,
			   "a version other than HTTP/1.1");
	if (!is_known_method(out->method))
		return bad(e, &out->status, is_token(out->method) ? 501 : 400, "unknown method");
	if (target.len > HTTP_TARGET_MAX)
		return bad(e, &out->status, 414, "target is too long");
	if (!target.len || target.ptr[0] != '/')
		return bad(e, &out->status, 400, "target is not a path");
	(void)str_cut(target, '?', &out->path, &out->query);
	const char *why = check_path(out->path);
	if (!why)
		why = check_query(out->query);
	return why ? bad(e, &out->status, 400, why) : HTTP_DONE;
}

/* reg-name, IPv4 or [IPv6], with or without a port. */
static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.len; i++)
		if (!is_token_char(host.ptr[i]) && !strchr("[]:", host.ptr[i]))
			return false;
	return host.len > 0 && host.len <= 261;
}

static enum http_result check_request(struct http_request *out, struct err *e)
{
	const struct http_headers *h = &out->headers;
	const char *why = read_framing(h, &out->framing, &out->content_length);

	if (why)
		return bad(e, &out->status, 400, why);
	if (count_of(h, "Host") != 1)
		return bad(e, &out->status, 400, "want exactly one Host");
	out->host = http_header(h, "Host");
	if (!is_host(out->host))
		return bad(e, &out->status, 400, "Host is not a host");
	struct str expect = http_header(h, "Expect");
	out->expect_continue = str_eq_nocase(expect, STR("100-continue"));
	if (expect.ptr && !out->expect_continue)
		return bad(e, &out->status, 417, "an expectation we cannot meet");
	out->keep_alive = !has_word(http_header(h, "Connection"), STR("close"));
	return HTTP_DONE;
}

enum http_result http_request_read(struct bytes in, struct http_request *out, size_t *out_len,
				   struct err *e)
{
	size_t len = 0;

	memset(out, 0, offsetof(struct http_request, headers));
	out->headers.count = 0;
	out->status = 400;
	enum http_result r = find_head(in, &len, e, &out->status);
	if (r != HTTP_DONE)
		return r;
	struct str head = { (const char *)in.ptr, len };
	r = read_request_line(next_line(&head), out, e);
	if (r != HTTP_DONE)
		return r;
	const char *why = read_headers(head, &out->headers);
	if (why)
		return bad(e, &out->status, out->headers.count == HTTP_HEADERS_MAX ? 431 : 400,
			   why);
	*out_len = len;
	return check_request(out, e);
}

static bool has_no_body(int status, struct str method)
{
	return status / 100 == 1 || status == 204 || status == 304 || str_eqz(method, "HEAD");
}

static bool read_status_line(struct str line, int *status)
{
	uint64_t code;

	if (!str_starts(line, STR("HTTP/1.1 ")) || line.len < 12 ||
	    !str_u64((struct str){ line.ptr + 9, 3 }, &code) || code < 100 || code > 599)
		return false;
	*status = (int)code;
	return (line.len == 12 || line.ptr[12] == ' ') && is_value(line);
}

enum http_result http_response_read(struct bytes in, struct str method, struct http_response *out,
				    size_t *out_len, struct err *e)
{
	size_t len = 0;
	int unused;

	memset(out, 0, offsetof(struct http_response, headers));
	out->headers.count = 0;
	enum http_result r = find_head(in, &len, e, &unused);
	if (r != HTTP_DONE)
		return r;
	struct str head = { (const char *)in.ptr, len };
	if (!read_status_line(next_line(&head), &out->status))
		return bad(e, &unused, 502, "malformed status line");
	const char *why = read_headers(head, &out->headers);
	if (!why)
		why = read_framing(&out->headers, &out->framing, &out->content_length);
	if (why)
		return bad(e, &unused, 502, why);
	if (has_no_body(out->status, method))
		out->framing = HTTP_NO_BODY;
	else if (out->framing == HTTP_NO_BODY)
		out->framing = HTTP_UNTIL_CLOSE;
	out->keep_alive = out->framing != HTTP_UNTIL_CLOSE &&
			  !has_word(http_header(&out->headers, "Connection"), STR("close"));
	*out_len = len;
	return HTTP_DONE;
}

/* Chunks. */

enum { AT_SIZE, IN_DATA, AFTER_DATA, AT_END, FINISHED };

static enum http_result chunk_bad(struct err *e, const char *why)
{
	int unused;

	return bad(e, &unused, 400, why);
}

/* A line of 1-8 hexadecimal digits and CR LF, no extension. */
static enum http_result read_chunk_size(struct http_chunks *c, struct bytes in, size_t *used,
					struct err *e)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < in.len && hex_digit((char)in.ptr[i]) >= 0; i++) {
		if (i == 8)
			return chunk_bad(e, "chunk size is too large");
		size = size << 4 | (uint64_t)hex_digit((char)in.ptr[i]);
	}
	if (size > CHUNK_MAX)
		return chunk_bad(e, "chunk size is too large");
	if (i == in.len)
		return HTTP_MORE;
	if (i == 0 || in.ptr[i] != '\r' || (i + 1 < in.len && in.ptr[i + 1] != '\n'))
		return chunk_bad(e, "malformed chunk size");
	if (i + 1 == in.len)
		return HTTP_MORE;
	*used += i + 2;
	c->left = size;
	c->state = size ? IN_DATA : AT_END;
	return HTTP_DATA;
}

static enum http_result read_crlf(struct http_chunks *c, struct bytes in, size_t *used, int next,
				  struct err *e)
{
	if ((in.len > 0 && in.ptr[0] != '\r') || (in.len > 1 && in.ptr[1] != '\n'))
		return chunk_bad(e, next == FINISHED ? "trailers are not accepted"
						     : "chunk is longer than it says");
	if (in.len < 2)
		return HTTP_MORE;
	*used += 2;
	c->state = next;
	return HTTP_DATA;
}

enum http_result http_chunks_read(struct http_chunks *c, struct bytes in, size_t *used,
				  struct bytes *data, struct err *e)
{
	enum http_result r = HTTP_DATA;

	*used = 0;
	*data = (struct bytes){ 0 };
	while (r == HTTP_DATA && c->state != FINISHED) {
		struct bytes rest = { in.ptr + *used, in.len - *used };
		if (c->state == IN_DATA) {
			if (!rest.len)
				return HTTP_MORE;
			size_t len = rest.len < c->left ? rest.len : (size_t)c->left;
			*data = (struct bytes){ rest.ptr, len };
			*used += len;
			c->left -= len;
			c->total += len;
			c->state = c->left ? IN_DATA : AFTER_DATA;
			return HTTP_DATA;
		}
		if (c->state == AT_SIZE)
			r = read_chunk_size(c, rest, used, e);
		else
			r = read_crlf(c, rest, used, c->state == AT_END ? FINISHED : AT_SIZE, e);
	}
	return c->state == FINISHED ? HTTP_DONE : r;
}

/* Texts in targets and headers. */

static bool unescape(struct str in, bool plus_is_space, struct arena *mem, struct str *out,
		     struct err *e)
{
	char *to = arena_alloc(mem, in.len + 1, 1);
	size_t n = 0;

	if (!to)
		return err_set(e, ERR_INPUT, "too large");
	for (size_t i = 0; i < in.len; i++) {
		int c = (uint8_t)in.ptr[i];
		if (c == '%') {
			c = escaped_byte(in, i);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c <= 0)
			return err_set(e, ERR_INPUT, "malformed escape");
		to[n++] = (char)c;
	}
	*out = (struct str){ to, n };
	return str_is_utf8(*out) || err_set(e, ERR_INPUT, "not UTF-8");
}

bool http_unescape(struct str in, struct arena *mem, struct str *out, struct err *e)
{
	return unescape(in, false, mem, out, e);
}

bool http_query(struct str query, const char *name, struct arena *mem, struct str *out,
		struct err *e)
{
	struct str pair, key, value;

	*out = (struct str){ 0 };
	while (query.len) {
		(void)str_cut(query, '&', &pair, &query);
		(void)str_cut(pair, '=', &key, &value);
		if (!str_eqz(key, name))
			continue;
		if (out->ptr)
			return err_set(e, ERR_INPUT, "query: '%s' is there twice", name);
		if (!unescape(value, true, mem, out, e))
			return err_in(e, "query: '%s'", name);
	}
	return true;
}

bool http_basic(struct str authorization, struct arena *mem, struct str *id, struct str *secret,
		struct err *e)
{
	struct str scheme, rest;
	struct bytes text;

	if (!str_cut(authorization, ' ', &scheme, &rest) || !str_eq_nocase(scheme, STR("Basic")))
		return err_set(e, ERR_INPUT, "want Basic authorization");
	if (!base64_read(str_trim(rest), BASE64_STD, mem, &text, e))
		return err_in(e, "authorization");
	if (!str_cut(str_bytes(text), ':', id, secret) || !str_is_utf8(str_bytes(text)) ||
	    str_has(str_bytes(text), '\0'))
		return err_set(e, ERR_INPUT, "authorization is not id:secret");
	return true;
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 100, "Continue" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}
