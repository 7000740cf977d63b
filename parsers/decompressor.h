#pragma once

#include "parsers/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace runnerwatch {

// Why compressed bytes could not be read any further.
struct DecompressError {
    std::uint64_t offset = 0;  // in the compressed bytes, from 0: what is before it was read
    std::string what;          // "is not valid gzip", without a full stop
    std::string what_to_do;
};

// The formats of compressed logs, by their first bytes (RFC 1952, RFC 8878).
enum class Compression { none, gzip, zstd };
const char* to_string(Compression compression);

Compression compression_of(std::string_view first_bytes);

// Undoes the compression of a stream of bytes, whatever the chunks; concatenated members and zstd's
// skippable frames are read as one stream.
//
// Bounded: hands the result over in parts of at most `part_bytes_max` and keeps nothing of it, so
// that no input, however well it compresses, takes more memory than the format's window (zstd: at
// most 8 MiB, as its own tool; a frame that asks for more is refused). One thread.
class Decompressor {
public:
    static constexpr std::size_t part_bytes_max = 256 * 1024;
    static constexpr int window_log_max = 23;

    // A part of the result, valid during the call. Returns whether more is wanted.
    using OnPart = std::function<bool(std::string_view)>;

    explicit Decompressor(Compression compression);
    ~Decompressor();
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;

    // After an error, nothing more can be fed.
    Result<void, DecompressError> feed(std::string_view bytes, const OnPart& on_part);

    // The input ended: an error when it did so within a member.
    Result<void, DecompressError> end() const;

private:
    struct Codec;
    struct Gzip;
    struct Zstd;
    std::unique_ptr<Codec> codec_;
};

// Bytes of any kind to text: what is compressed is decompressed, anything else goes through as it
// is. The first bytes decide, never a name. Limits as those of Decompressor. One thread.
class PlainBytes {
public:
    static constexpr std::size_t magic_bytes = 6;  // so many tell what it is

    Result<void, DecompressError> feed(std::string_view bytes, const Decompressor::OnPart& on_part);
    Result<void, DecompressError> end(const Decompressor::OnPart& on_part);

    bool compressed() const { return decompressor_ != nullptr; }
    // What is fed from here on is handed over as it is, in one part and where it stands.
    bool plain() const { return begun_ && !compressed(); }

private:
    Result<void, DecompressError> begin(const Decompressor::OnPart& on_part);

    std::string first_;
    bool begun_ = false;
    std::unique_ptr<Decompressor> decompressor_;
};

}  // namespace runnerwatch
