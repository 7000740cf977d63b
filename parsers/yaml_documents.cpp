#include "parsers/yaml_documents.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace runnerwatch {
namespace {

// Hears where documents begin, and nothing else.
class Beginnings final : public YAML::EventHandler {
public:
    void OnDocumentStart(const YAML::Mark& mark) override { last = mark; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}

    YAML::Mark last;
};

// YAML allows none (1.2.2, section 5.1), and yaml-cpp does not refuse them.
void refuse_control_characters(const std::string& text) {
    const auto is_one = [](char c) {
        return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f';
    };
    const auto found = std::find_if(text.begin(), text.end(), is_one);
    if (found == text.end()) return;
    YAML::Mark mark;
    mark.pos = static_cast<int>(found - text.begin());
    mark.line = static_cast<int>(std::count(text.begin(), found, '\n'));
    const auto line_begins = std::find(std::make_reverse_iterator(found), text.rend(), '\n').base();
    mark.column = static_cast<int>(found - line_begins);
    throw YAML::ParserException(mark, "a control character (byte " +
                                          std::to_string(static_cast<int>(*found)) +
                                          "), as in a file that is damaged or no text");
}

}  // namespace

YamlDocuments read_yaml_documents(const std::string& text) {
    refuse_control_characters(text);
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Beginnings beginnings;
    YamlDocuments documents;
    while (documents.count < 2 && parser.HandleNextDocument(beginnings)) ++documents.count;
    documents.second = beginnings.last;
    if (documents.count > 0) documents.first = YAML::Load(text);
    return documents;
}

}  // namespace runnerwatch
