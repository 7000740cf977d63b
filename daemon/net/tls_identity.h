#pragma once

#include "parsers/result.h"
#include "parsers/timestamp.h"

#include <boost/asio/ssl/context.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <string>

namespace runnerwatch {

// Where a server's certificate is: PEM files, as cert-manager and a Secret of type
// kubernetes.io/tls have them.
struct TlsFiles {
    std::string certificate;  // the server's, then those that signed it
    std::string key;
    bool operator==(const TlsFiles&) const = default;
};

// With what a server proves who it is. Read again when the files have changed: connections that
// stand keep what they began with. TLS 1.2 and later. Confined to the loop.
class TlsIdentity {
public:
    using Context = boost::asio::ssl::context;

    // The error names the file and what to do.
    static Result<std::unique_ptr<TlsIdentity>, std::string> read(TlsFiles files);

    // For the next connection. Looks whether the files are the ones that were read; where new ones
    // cannot be used, the ones before go on serving, and trouble() says so.
    std::shared_ptr<Context> current();

    // Why what is in the files is not what is served; empty: it is.
    const std::string& trouble() const { return trouble_; }

    // When the certificate that is served ends.
    Timestamp ends() const { return ends_; }

private:
    // What changes when a file is written or its permissions are, or another one takes its name (a
    // Secret is a symbolic link to a folder that is replaced).
    struct Stamp {
        std::uint64_t inode = 0;
        std::int64_t size = -1, changed = 0;
        bool operator==(const Stamp&) const = default;
    };
    static Stamp stamp_of(const std::string& file);

    explicit TlsIdentity(TlsFiles files) : files_(std::move(files)) {}
    Result<std::shared_ptr<Context>, std::string> load();

    TlsFiles files_;
    std::array<Stamp, 2> seen_;
    std::shared_ptr<Context> context_;
    Timestamp ends_{};
    std::string trouble_;
};

}  // namespace runnerwatch
