#include "octets.h"
#include <string.h>

/// True if what follows the line feed at `at` is two hyphens, or is not all there.
static inline int may_start_hyphens(const uint8_t *octets, size_t count, size_t at) {
    return (at + 1 >= count || octets[at + 1] == '-') && (at + 2 >= count || octets[at + 2] == '-');
}

size_t octets_find_hyphens_portable(const uint8_t *octets, size_t count) {
    size_t at = 0;
    while (at < count) {
        const uint8_t *hit = memchr(octets + at, '\n', count - at);
        if (hit == NULL) return count;
        at = (size_t)(hit - octets);
        if (may_start_hyphens(octets, count, at)) return at;
        at++;
    }
    return count;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2")))
static size_t find_hyphens_vector(const uint8_t *octets, size_t count) {
    const __m256i feed = _mm256_set1_epi8('\n'), hyphen = _mm256_set1_epi8('-');
    size_t at = 0;
    // SAFETY: 34 octets from `at` are read.
    for (; at + 34 <= count; at += 32) {
        __m256i first = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(octets + at)), feed);
        __m256i second = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(octets + at + 1)), hyphen);
        __m256i third = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(octets + at + 2)), hyphen);
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(first, _mm256_and_si256(second, third)));
        if (hits != 0) return at + (size_t)__builtin_ctz(hits);
    }
    size_t rest = octets_find_hyphens_portable(octets + at, count - at);
    return at + rest;
}

size_t octets_find_hyphens(const uint8_t *octets, size_t count) {
    return count >= 34 && __builtin_cpu_supports("avx2") ? find_hyphens_vector(octets, count)
                                                         : octets_find_hyphens_portable(octets, count);
}
#else
size_t octets_find_hyphens(const uint8_t *octets, size_t count) { return octets_find_hyphens_portable(octets, count); }
#endif
