#include "octets.h"
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t crc32c_hardware(uint32_t state, const uint8_t *octets, size_t count) {
    uint64_t crc = state;
    for (; count >= 8; octets += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, octets, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; count > 0; octets++, count--) crc = _mm_crc32_u8((uint32_t)crc, *octets);
    return (uint32_t)crc;
}

uint32_t octets_crc32c(uint32_t state, const uint8_t *octets, size_t count) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_hardware(state, octets, count)
                                            : octets_crc32c_portable(state, octets, count);
}
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

__attribute__((target("crc")))
static uint32_t crc32c_hardware(uint32_t state, const uint8_t *octets, size_t count) {
    for (; count >= 8; octets += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, octets, 8);
        state = __crc32cd(state, word);
    }
    for (; count > 0; octets++, count--) state = __crc32cb(state, *octets);
    return state;
}

uint32_t octets_crc32c(uint32_t state, const uint8_t *octets, size_t count) {
    return getauxval(AT_HWCAP) & HWCAP_CRC32 ? crc32c_hardware(state, octets, count)
                                             : octets_crc32c_portable(state, octets, count);
}
#else
uint32_t octets_crc32c(uint32_t state, const uint8_t *octets, size_t count) {
    return octets_crc32c_portable(state, octets, count);
}
#endif

uint32_t octets_crc32c_portable(uint32_t state, const uint8_t *octets, size_t count) {
    // The polynomial of RFC 3720, four bits at a time.
    static const uint32_t table[16] = {
        0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
        0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
    };
    for (; count > 0; octets++, count--) {
        state ^= *octets;
        state = state >> 4 ^ table[state & 15];
        state = state >> 4 ^ table[state & 15];
    }
    return state;
}
