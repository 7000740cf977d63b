#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace runnerwatch {

// A certificate authority of the test's own in `folder` and certificates for 127.0.0.1 and
// localhost that it signs, made by the openssl program.
class TestAuthority {
public:
    explicit TestAuthority(std::filesystem::path folder) : folder_(std::move(folder)) {
        std::filesystem::create_directories(folder_);
        run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
            "'/CN=Authority of a test' -keyout ca.key -out ca.pem");
    }

    std::string file(const std::string& name) const { return (folder_ / name).string(); }

    // NAME.pem and NAME.key; replaced when they are there.
    void make(const std::string& name,
              const std::string& key = "ec -pkeyopt ec_paramgen_curve:P-256", int days = 1) {
        run("req -newkey " + key + " -nodes -subj /CN=" + name + " -keyout " + name +
            ".key.new -out " + name + ".csr");
        run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days " +
            std::to_string(days) + " -extfile names.ext -out " + name + ".pem.new");
        std::filesystem::rename(folder_ / (name + ".key.new"), folder_ / (name + ".key"));
        std::filesystem::rename(folder_ / (name + ".pem.new"), folder_ / (name + ".pem"));
    }

    void run(const std::string& arguments) {
        const std::string command = "cd '" + folder_.string() +
                                    "' && echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' > "
                                    "names.ext && openssl " +
                                    arguments + " 2>openssl.log";
        if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    }

private:
    std::filesystem::path folder_;
};

}  // namespace runnerwatch
