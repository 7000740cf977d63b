// Runs a fuzz target over files that were kept, without libFuzzer:
//   corpus_replay FOLDER…
#include "tests/fuzz/target.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
    int files = 0;
    for (int i = 1; i < argc; ++i)
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(in), {}};
            std::cerr << entry.path().filename().string() << "\n";  // the last one is the culprit
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size());
            ++files;
        }
    std::cout << files << " inputs\n";
    return files > 0 ? 0 : 1;
}
