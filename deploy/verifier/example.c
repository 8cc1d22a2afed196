/*
 * Checks a token of a file, as an owner would before it hands data over:
 *
 *     example TOKEN JWKS STATUS_LIST|- UIN SERVICE [BIN|- [AT [LEEWAY [LIST_MAX_AGE]]]]
 *
 * Prints the finding as JSON and ends with the number of kdp_token_verify.
 *
 *     cc -std=c11 -Ideploy/verifier -o example deploy/verifier/example.c -Ltarget/release -lkdp_verifier
 */
#include "kdp_verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 4 << 20 };

/* A whole file; on a failure the program ends as for anything that cannot be read. */
static kdp_bytes file(const char *path) {
    FILE *source = fopen(path, "rb");
    uint8_t *octets = malloc(MOST);
    if (source == NULL || octets == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(KDP_UNUSABLE);
    }
    size_t len = fread(octets, 1, MOST, source);
    if (ferror(source) || fgetc(source) != EOF) {
        fprintf(stderr, "%s cannot be read, or is longer than 4 MiB\n", path);
        exit(KDP_UNUSABLE);
    }
    fclose(source);
    return (kdp_bytes){octets, len};
}

static kdp_bytes text(const char *argument) {
    return (kdp_bytes){(const uint8_t *)argument, strlen(argument)};
}

static int64_t number(const char *argument) {
    char *end;
    intmax_t value = strtoimax(argument, &end, 10);
    if (end == argument || *end != '\0') {
        fprintf(stderr, "%s is no number\n", argument);
        exit(KDP_UNUSABLE);
    }
    return value;
}

int main(int argc, char **argv) {
    if (argc < 6 || argc > 10) {
        fprintf(stderr, "example TOKEN JWKS STATUS_LIST|- UIN SERVICE [BIN|- [AT [LEEWAY [LIST_MAX_AGE]]]]\n");
        return KDP_UNUSABLE;
    }
    kdp_question question = {.size = sizeof question, .leeway = 120, .list_max_age = -1};
    question.token = file(argv[1]);
    question.jwks = file(argv[2]);
    if (strcmp(argv[3], "-") != 0) {
        question.status_list = file(argv[3]);
    }
    question.uin = text(argv[4]);
    question.service = text(argv[5]);
    if (argc > 6 && strcmp(argv[6], "-") != 0) {
        question.bin = text(argv[6]);
    }
    question.lang = text("en");
    question.at = argc > 7 ? number(argv[7]) : (int64_t)time(NULL);
    if (argc > 8) {
        question.leeway = number(argv[8]);
    }
    if (argc > 9) {
        question.list_max_age = number(argv[9]);
    }

    static char told[16384];
    size_t told_len;
    int32_t verdict = kdp_token_verify(&question, told, sizeof told, &told_len);
    if (told_len >= sizeof told) {
        fprintf(stderr, "the finding has %zu octets\n", told_len);
        return KDP_UNUSABLE;
    }
    puts(told);
    free((void *)question.token.data);
    free((void *)question.jwks.data);
    free((void *)question.status_list.data);
    return verdict;
}
