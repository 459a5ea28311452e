/// The innermost loops over octets, with vector instructions where the processor has them.
///
/// C, because a Swift function cannot name an instruction set of its own. Each function has a portable twin with the
/// same results; nothing here allocates, and nothing is written beyond what is said.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Takes `count` octets into a CRC-32C; `state` starts as all ones and is inverted at the end by the caller.
uint32_t octets_crc32c(uint32_t state, const uint8_t *_Nullable octets, size_t count);
uint32_t octets_crc32c_portable(uint32_t state, const uint8_t *_Nullable octets, size_t count);

/// How many octets beyond its result a base64 function may touch in its output.
#define OCTETS_SLACK 32

/// Decodes lines of `length` characters (a multiple of 4, above 0, no pads) that end in LF (`line_end` 1) or CRLF (2),
/// up to the first that is not one; the number of lines that are.
///
/// What was decoded is encoded again from `output` and compared with `text`. `output` has room for `length / 4 * 3`
/// octets a line and OCTETS_SLACK more.
size_t octets_base64_decode_lines(
    const uint8_t *_Nonnull text, size_t lines, size_t length, size_t line_end, uint8_t *_Nonnull output);
size_t octets_base64_decode_lines_portable(
    const uint8_t *_Nonnull text, size_t lines, size_t length, size_t line_end, uint8_t *_Nonnull output);

/// Decodes whole groups without pads up to the first that is not one; the number of groups that are.
///
/// Compared and with room as above.
size_t octets_base64_decode(const uint8_t *_Nonnull text, size_t groups, uint8_t *_Nonnull output);
size_t octets_base64_decode_portable(const uint8_t *_Nonnull text, size_t groups, uint8_t *_Nonnull output);

/// Encodes whole groups of 3 octets, and after each `line_groups` of them writes LF (`line_end` 1) or CRLF (2).
///
/// Writes no line end with `line_end` 0, and none behind an unfinished line. `output` has room for the text and
/// OCTETS_SLACK more. Returns the octets written.
size_t octets_base64_encode(
    const uint8_t *_Nonnull octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *_Nonnull output);
size_t octets_base64_encode_portable(
    const uint8_t *_Nonnull octets, size_t groups, size_t line_groups, size_t line_end, uint8_t *_Nonnull output);

/// The first line feed behind which two hyphens come, or may come because `octets` end there; `count` if there is none.
size_t octets_find_hyphens(const uint8_t *_Nullable octets, size_t count);
size_t octets_find_hyphens_portable(const uint8_t *_Nullable octets, size_t count);
