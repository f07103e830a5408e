#include "crypto/pkcs7.h"

#include "codec/der.h"
#include "crypto/oid.h"

bool pkcs7_write(const struct bytes *certs, size_t count, struct buf *out)
{
	struct derw w;

	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_oid(&w, OID_SIGNED_DATA);
	derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 0);
	derw_begin(&w, DER_SEQUENCE);
	derw_uint(&w, 1);
	derw_put(&w, DER_SET, (struct bytes){ 0 }); /* digestAlgorithms */
	derw_begin(&w, DER_SEQUENCE);
	derw_oid(&w, OID_DATA); /* and no eContent */
	derw_end(&w);
	derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 0);
	for (size_t i = 0; i < count; i++)
		derw_raw(&w, certs[i]);
	derw_end(&w);
	derw_put(&w, DER_SET, (struct bytes){ 0 }); /* signerInfos */
	derw_end(&w);
	derw_end(&w);
	derw_end(&w);
	return derw_ok(&w);
}

static bool read_certs(struct der *signed_data, struct bytes *out, size_t max, size_t *out_count,
		       struct err *e)
{
	struct der certs;

	*out_count = 0;
	der_enter(signed_data, DER_CONTEXT_CONSTRUCTED | 0, &certs);
	while (der_more(&certs)) {
		if (*out_count == max)
			return err_set(e, ERR_INPUT, "more than %zu certificates", max);
		out[(*out_count)++] = der_whole(&certs, DER_SEQUENCE);
	}
	der_leave(signed_data, &certs);
	return true;
}

bool pkcs7_read(struct bytes der, struct bytes *out, size_t max, size_t *out_count, struct err *e)
{
	struct der d = der_of(der);
	struct der info;
	struct der content;
	struct der data;
	struct der inner;

	der_enter(&d, DER_SEQUENCE, &info);
	(void)der_oid(&info, OID_SIGNED_DATA);
	der_enter(&info, DER_CONTEXT_CONSTRUCTED | 0, &content);
	der_enter(&content, DER_SEQUENCE, &data);
	(void)der_uint(&data);
	(void)der_take(&data, DER_SET);
	der_enter(&data, DER_SEQUENCE, &inner);
	(void)der_take(&inner, DER_OID);
	if (der_more(&inner))
		return err_set(e, ERR_INPUT, "not a bag of certificates: it has content");
	if (!read_certs(&data, out, max, out_count, e))
		return false;
	(void)der_skip(&data, DER_CONTEXT_CONSTRUCTED | 1); /* CRLs */
	(void)der_take(&data, DER_SET);
	der_leave(&content, &data);
	der_leave(&info, &content);
	der_leave(&d, &info);
	if (!der_end(&d))
		return err_set(e, ERR_INPUT, "not a bag of certificates");
	return *out_count > 0 || err_set(e, ERR_INPUT, "a bag without certificates");
}
