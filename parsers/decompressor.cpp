#include "parsers/decompressor.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace runnerwatch {
namespace {

DecompressError broken(Compression format, std::uint64_t offset, const std::string& reason) {
    return {offset, std::string("is not valid ") + to_string(format) + ": " + reason,
            "get the file again; what stands before that place has been read"};
}

constexpr std::pair<std::string_view, const char*> foreign_compressions[] = {
    {"\xFD"
     "7zXZ",
     "xz"},
    {"BZh", "bzip2"},
    {"\x04\x22\x4D\x18", "lz4"}};

}  // namespace

const char* to_string(Compression compression) {
    switch (compression) {
        case Compression::gzip:
            return "gzip";
        case Compression::zstd:
            return "zstd";
        case Compression::none:
            break;
    }
    return "none";
}

Compression compression_of(std::string_view first_bytes) {
    if (first_bytes.starts_with("\x1F\x8B\x08")) return Compression::gzip;
    if (first_bytes.starts_with("\x28\xB5\x2F\xFD")) return Compression::zstd;
    return Compression::none;
}

struct Decompressor::Codec {
    explicit Codec(Compression of) : format(of), out(part_bytes_max) {}
    virtual ~Codec() = default;
    virtual Result<void, DecompressError> feed(std::string_view bytes, const OnPart& on_part) = 0;

    std::string_view part(std::size_t length) const { return {out.data(), length}; }

    const Compression format;
    std::vector<char> out;
    std::uint64_t offset = 0;     // compressed bytes taken so far
    bool between_members = true;  // nothing begun is unfinished
    bool stopped = false;         // the taker wants no more
};

struct Decompressor::Gzip : Codec {
    Gzip() : Codec(Compression::gzip) { begin(); }
    ~Gzip() override { ::inflateEnd(&stream); }

    void begin() {
        // 16: a gzip header is required, its checksum and length are checked
        if (::inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
    }

    Result<void, DecompressError> feed(std::string_view bytes, const OnPart& on_part) override;

    z_stream stream{};
    bool any = false;      // a member has been read
    bool padding = false;  // behind the last member: zeros of a tape or block device
};

Result<void, DecompressError> Decompressor::Gzip::feed(std::string_view bytes,
                                                       const OnPart& on_part) {
    while (!bytes.empty() && !stopped) {
        if (between_members && any && (padding || bytes.front() == '\0')) {
            padding = true;
            const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
            offset += zeros;
            bytes.remove_prefix(zeros);
            if (!bytes.empty())
                return tl::unexpected(broken(format, offset, "there is no further member"));
            break;
        }
        between_members = false;
        const auto length = static_cast<uInt>(
            std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
        // zlib does not write to its input; its interface is older than const.
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream.avail_in = length;
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        const int status = ::inflate(&stream, Z_NO_FLUSH);
        const std::size_t taken = length - stream.avail_in;
        offset += taken;
        bytes.remove_prefix(taken);
        const std::size_t made = out.size() - stream.avail_out;
        if (made > 0 && !on_part(part(made))) stopped = true;
        if (status == Z_STREAM_END) {
            ::inflateReset(&stream);
            between_members = any = true;
        } else if (status == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            return tl::unexpected(
                broken(format, offset, stream.msg ? stream.msg : "it is damaged"));
        }
    }
    // What did not fit the last part is still to come, although all input has been taken.
    while (!stopped && !between_members && stream.avail_out == 0) {
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        stream.avail_in = 0;
        const int status = ::inflate(&stream, Z_NO_FLUSH);
        const std::size_t made = out.size() - stream.avail_out;
        if (made > 0 && !on_part(part(made))) stopped = true;
        if (status == Z_STREAM_END) {
            ::inflateReset(&stream);
            between_members = any = true;
        }
        if (status != Z_OK) break;
    }
    return {};
}

struct Decompressor::Zstd : Codec {
    Zstd() : Codec(Compression::zstd), stream(::ZSTD_createDCtx()) {
        if (stream == nullptr) throw std::bad_alloc();
        ::ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, window_log_max);
    }
    ~Zstd() override { ::ZSTD_freeDCtx(stream); }

    Result<void, DecompressError> feed(std::string_view bytes, const OnPart& on_part) override;

    ZSTD_DCtx* stream;
};

Result<void, DecompressError> Decompressor::Zstd::feed(std::string_view bytes,
                                                       const OnPart& on_part) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool full = false;  // the last part was: there may be more without further input
    while ((in.pos < in.size || full) && !stopped) {
        ZSTD_outBuffer made{out.data(), out.size(), 0};
        const std::size_t before = in.pos;
        const std::size_t status = ::ZSTD_decompressStream(stream, &made, &in);
        offset += in.pos - before;
        if (::ZSTD_isError(status) != 0) {
            DecompressError error = broken(format, offset, ::ZSTD_getErrorName(status));
            if (::ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
                error.what = "needs a window of more than 8 MiB to be read";
                error.what_to_do =
                    "compress it without --long or --ultra, or pipe it in: "
                    "zstd -dc --long=31 FILE | runnerwatch scan -";
            }
            return tl::unexpected(std::move(error));
        }
        between_members = status == 0;
        full = made.pos == made.size;
        if (made.pos > 0 && !on_part(part(made.pos))) stopped = true;
        if (made.pos == 0 && in.pos == before) break;
    }
    return {};
}

Decompressor::Decompressor(Compression compression) {
    if (compression == Compression::gzip)
        codec_ = std::make_unique<Gzip>();
    else
        codec_ = std::make_unique<Zstd>();
}

Decompressor::~Decompressor() = default;

Result<void, DecompressError> Decompressor::feed(std::string_view bytes, const OnPart& on_part) {
    return codec_->feed(bytes, on_part);
}

Result<void, DecompressError> Decompressor::end() const {
    if (codec_->between_members || codec_->stopped) return {};
    return tl::unexpected(DecompressError{
        codec_->offset,
        std::string("ends in the middle of its ") + to_string(codec_->format) + " data",
        "get the whole file; what is there has been read"});
}

Result<void, DecompressError> PlainBytes::feed(std::string_view bytes,
                                               const Decompressor::OnPart& on_part) {
    if (!begun_) {
        const std::size_t missing = std::min(magic_bytes - first_.size(), bytes.size());
        first_ += bytes.substr(0, missing);
        bytes.remove_prefix(missing);
        if (first_.size() < magic_bytes) return {};
        if (auto done = begin(on_part); !done) return done;
    }
    if (decompressor_) return decompressor_->feed(bytes, on_part);
    if (!bytes.empty()) on_part(bytes);
    return {};
}

Result<void, DecompressError> PlainBytes::begin(const Decompressor::OnPart& on_part) {
    begun_ = true;
    for (const auto& [magic, tool] : foreign_compressions)
        if (first_.starts_with(magic))
            return tl::unexpected(DecompressError{
                0, std::string("is compressed with ") + tool + ", which is not read here",
                std::string("decompress it first: ") + tool + " -dc FILE | runnerwatch scan -"});
    if (const Compression compression = compression_of(first_); compression != Compression::none) {
        decompressor_ = std::make_unique<Decompressor>(compression);
        return decompressor_->feed(first_, on_part);
    }
    if (!first_.empty()) on_part(first_);
    return {};
}

Result<void, DecompressError> PlainBytes::end(const Decompressor::OnPart& on_part) {
    if (!begun_)
        if (auto done = begin(on_part); !done) return done;
    return decompressor_ ? decompressor_->end() : Result<void, DecompressError>{};
}

}  // namespace runnerwatch
