#include "octets.h"
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of a character, 64 or more for what is none.
static inline uint32_t value_of(uint8_t character) {
    // From '+' to 'z'.
    static const uint8_t values[80] = {
        62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64,
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
        64, 64, 64, 64, 64, 64,
        26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
    };
    return character >= '+' && character <= 'z' ? values[character - '+'] : 64;
}

static inline void encode_group(const uint8_t *octets, uint8_t *output) {
    uint32_t group = (uint32_t)octets[0] << 16 | (uint32_t)octets[1] << 8 | octets[2];
    output[0] = (uint8_t)alphabet[group >> 18];
    output[1] = (uint8_t)alphabet[group >> 12 & 63];
    output[2] = (uint8_t)alphabet[group >> 6 & 63];
    output[3] = (uint8_t)alphabet[group & 63];
}

size_t octets_base64_decode_portable(const uint8_t *text, size_t groups, uint8_t *output) {
    for (size_t group = 0; group < groups; group++, text += 4, output += 3) {
        uint32_t a = value_of(text[0]), b = value_of(text[1]), c = value_of(text[2]), d = value_of(text[3]);
        if ((a | b | c | d) > 63) return group;
        uint32_t value = a << 18 | b << 12 | c << 6 | d;
        output[0] = (uint8_t)(value >> 16);
        output[1] = (uint8_t)(value >> 8);
        output[2] = (uint8_t)value;
        uint8_t again[4];
        encode_group(output, again);
        if (memcmp(again, text, 4) != 0) return group;
    }
    return groups;
}

static inline int ends_line(const uint8_t *end, size_t line_end) {
    return line_end == 1 ? end[0] == '\n' : end[0] == '\r' && end[1] == '\n';
}

static inline uint8_t *put_line_end(uint8_t *output, size_t line_end) {
    if (line_end == 2) *output++ = '\r';
    if (line_end > 0) *output++ = '\n';
    return output;
}

size_t octets_base64_decode_lines_portable(
    const uint8_t *text, size_t lines, size_t length, size_t line_end, uint8_t *output
) {
    size_t groups = length / 4;
    for (size_t line = 0; line < lines; line++, text += length + line_end, output += groups * 3) {
        if (!ends_line(text + length, line_end)) return line;
        if (octets_base64_decode_portable(text, groups, output) != groups) return line;
    }
    return lines;
}

size_t octets_base64_encode_portable(
    const uint8_t *octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *output
) {
    uint8_t *start = output;
    size_t column = 0;
    for (size_t group = 0; group < groups; group++, octets += 3, output += 4) {
        encode_group(octets, output);
        if (++column != line_groups) continue;
        output = put_line_end(output + 4, line_end) - 4;
        column = 0;
    }
    return (size_t)(output - start);
}

#if defined(__x86_64__)
#include <immintrin.h>

// Muła and Lemire, "Faster Base64 Encoding and Decoding Using AVX2 Instructions" (2018).
#define VECTOR __attribute__((target("avx2"), always_inline)) static inline

/// The 24 octets of 32 characters, in the low part; false if one of them is foreign.
VECTOR int decode_block(__m256i text, __m256i *octets) {
    const __m256i low_classes = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A));
    const __m256i high_classes = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
    const __m256i offsets = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i slash = _mm256_set1_epi8(0x2F);
    __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), slash);
    __m256i low = _mm256_and_si256(text, slash);
    if (!_mm256_testz_si256(_mm256_shuffle_epi8(low_classes, low), _mm256_shuffle_epi8(high_classes, high))) return 0;
    __m256i place = _mm256_add_epi8(_mm256_cmpeq_epi8(text, slash), high);
    __m256i values = _mm256_add_epi8(text, _mm256_shuffle_epi8(offsets, place));
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
    __m256i packed = _mm256_shuffle_epi8(groups, _mm256_broadcastsi128_si256(
        _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)));
    *octets = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
    return 1;
}

/// The 32 characters of the 24 octets at `octets`, of which 28 must be readable.
VECTOR __m256i encode_block(const uint8_t *octets) {
    __m256i source = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)octets)),
        _mm_loadu_si128((const __m128i *)(octets + 12)), 1);
    source = _mm256_shuffle_epi8(source, _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10)));
    __m256i odd = _mm256_mulhi_epu16(
        _mm256_and_si256(source, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
    __m256i even = _mm256_mullo_epi16(
        _mm256_and_si256(source, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
    __m256i values = _mm256_or_si256(odd, even);
    const __m256i offsets = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(65, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 0, 0));
    __m256i place = _mm256_sub_epi8(
        _mm256_subs_epu8(values, _mm256_set1_epi8(51)), _mm256_cmpgt_epi8(values, _mm256_set1_epi8(25)));
    return _mm256_add_epi8(values, _mm256_shuffle_epi8(offsets, place));
}

/// Decodes 32 characters, writes 24 octets and 8 of no meaning, encodes what was written, and compares.
VECTOR int pass_block(const uint8_t *text, uint8_t *output) {
    __m256i source = _mm256_loadu_si256((const __m256i *)text);
    __m256i octets;
    if (!decode_block(source, &octets)) return 0;
    _mm256_storeu_si256((__m256i *)output, octets);
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(encode_block(output), source)) == -1;
}

__attribute__((target("avx2")))
static size_t decode_vector(const uint8_t *text, size_t groups, uint8_t *output) {
    size_t done = 0;
    while (done + 8 <= groups && pass_block(text + done * 4, output + done * 3)) done += 8;
    return done + octets_base64_decode_portable(text + done * 4, groups - done, output + done * 3);
}

__attribute__((target("avx2")))
static size_t decode_lines_vector(
    const uint8_t *text, size_t lines, size_t length, size_t line_end, uint8_t *output
) {
    size_t last = length - 32;
    for (size_t line = 0; line < lines; line++, text += length + line_end, output += length / 4 * 3) {
        if (!ends_line(text + length, line_end)) return line;
        size_t at = 0;
        for (; at <= last; at += 32) if (!pass_block(text + at, output + at / 4 * 3)) return line;
        // The rest of the line together with some of what was just decoded.
        if (at < length && !pass_block(text + last, output + last / 4 * 3)) return line;
    }
    return lines;
}

__attribute__((target("avx2")))
static size_t encode_vector(
    const uint8_t *octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *output
) {
    uint8_t *start = output;
    const uint8_t *end = octets + groups * 3;
    while (groups > 0) {
        size_t line = line_end == 0 || groups < line_groups ? groups : line_groups;
        size_t at = 0;
        for (; at + 8 <= line && end - (octets + at * 3) >= 28; at += 8) {
            _mm256_storeu_si256((__m256i *)(output + at * 4), encode_block(octets + at * 3));
        }
        for (; at < line; at++) encode_group(octets + at * 3, output + at * 4);
        octets += line * 3;
        output += line * 4;
        groups -= line;
        if (line == line_groups) output = put_line_end(output, line_end);
    }
    return (size_t)(output - start);
}

size_t octets_base64_decode(const uint8_t *text, size_t groups, uint8_t *output) {
    return __builtin_cpu_supports("avx2") ? decode_vector(text, groups, output)
                                          : octets_base64_decode_portable(text, groups, output);
}

size_t octets_base64_decode_lines(
    const uint8_t *text, size_t lines, size_t length, size_t line_end, uint8_t *output
) {
    return length >= 32 && __builtin_cpu_supports("avx2")
        ? decode_lines_vector(text, lines, length, line_end, output)
        : octets_base64_decode_lines_portable(text, lines, length, line_end, output);
}

size_t octets_base64_encode(
    const uint8_t *octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *output
) {
    return __builtin_cpu_supports("avx2")
        ? encode_vector(octets, groups, line_groups, line_end, output)
        : octets_base64_encode_portable(octets, groups, line_groups, line_end, output);
}
#else
size_t octets_base64_decode(const uint8_t *text, size_t groups, uint8_t *output) {
    return octets_base64_decode_portable(text, groups, output);
}

size_t octets_base64_decode_lines(
    const uint8_t *text, size_t lines, size_t length, size_t line_end, uint8_t *output
) {
    return octets_base64_decode_lines_portable(text, lines, length, line_end, output);
}

size_t octets_base64_encode(
    const uint8_t *octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *output
) {
    return octets_base64_encode_portable(octets, groups, line_groups, line_end, output);
}
#endif
