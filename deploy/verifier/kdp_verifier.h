/*
 * kdp_verifier: the offline check of a security token (token bezopasnosti) of KDP, for owners of registers (F-14).
 *
 * The same code as `kdp token verify`. No network, no files, no clock, no state: everything is handed over, nothing is
 * kept, nothing has to be freed. Any number of threads may call at once.
 *
 * The check covers the form of the token, its signature by the keys of the service, its lifetime, whether it is about
 * this subject and this ServiceID (and initiator, if one is given), and its place in a signed status list. It never
 * replaces the token-check service KDP_CHECK_TOKEN (F-14 6): a list is as old as it is. Only KDP_VALID is a yes.
 *
 *     kdp_question q = { .size = sizeof q, .at = now, .leeway = 120, .list_max_age = -1 };
 *     q.token = (kdp_bytes){ token, token_len };            and so on: jwks, status_list, uin, service
 *     char told[16384];
 *     size_t told_len;
 *     if (kdp_token_verify(&q, told, sizeof told, &told_len) == KDP_VALID) { hand the data over }
 */
#ifndef KDP_VERIFIER_H
#define KDP_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What comes of a check. Anything but KDP_VALID: do not hand data over. */
enum {
    KDP_VALID = 0,             /* the token holds, and the list does not say no */
    KDP_REFUSED = 1,           /* no: by the token, the question, or the list */
    KDP_UNUSABLE = 2,          /* no: token, keys or question cannot be read */
    KDP_REVOCATION_UNKNOWN = 3 /* the token holds, but no list was given: ask KDP_CHECK_TOKEN */
};

/* Octets and how many. NULL with length 0: nothing was given. No NUL is needed at the end, and none is looked for. */
typedef struct kdp_bytes {
    const uint8_t *data;
    size_t len;
} kdp_bytes;

/* A question. Texts are UTF-8. Blanks and line breaks around token and list do not count. */
typedef struct kdp_question {
    size_t size;           /* sizeof(kdp_question); anything else is refused */
    kdp_bytes token;       /* the compact JWT */
    kdp_bytes jwks;        /* what /.well-known/jwks.json answers, at most 256 KiB */
    kdp_bytes status_list; /* what /token-status answers (for the address in the token's status), or nothing */
    kdp_bytes uin;         /* IIN of the subject whose data are asked for; must be given */
    kdp_bytes service;     /* ServiceID that is asked; must be given */
    kdp_bytes bin;         /* BIN of the initiator that asks, or nothing: then it is not compared */
    kdp_bytes lang;        /* "kk", "ru" or "en" for the texts; nothing: ru */
    int64_t at;            /* when the token must be valid: now, Unix seconds */
    int64_t leeway;        /* how far clocks may differ, 0 to 600 seconds; the service takes 120 */
    int64_t list_max_age;  /* how old the list may be, seconds; -1: its own ttl. After its exp no list serves */
} kdp_question;

/*
 * Checks a token and answers with one of the numbers above.
 *
 * out       where the finding is written, or NULL. It is one JSON object with a NUL behind it: "valid" (null
 *           with KDP_REVOCATION_UNKNOWN), "code" (stable; `kdp docs` lists them, and "failed" is a fault of the library, with
 *           KDP_UNUSABLE), "error", "text", "remedy", "detail", "status_list" {"iat", "exp", "ttl"}, "claims" (what the
 *           token says, if the service signed it: personal data, not for logs)
 * out_size  room in out. What does not fit is not written at all, and out is an empty text; the number is the same
 * out_len   where the length of the object is written, without its NUL, or NULL
 *
 * 16 KiB are enough for any token; otherwise call again with more than out_len.
 */
int32_t kdp_token_verify(const kdp_question *question, char *out, size_t out_size, size_t *out_len);

/* The version of this library, "0.1.0". */
const char *kdp_verifier_version(void);

#ifdef __cplusplus
}
#endif

#endif
