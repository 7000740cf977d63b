#include "alerts/postmortem.h"

#include "alerts/postmortem_sections.h"

#include <algorithm>

namespace runnerwatch {

namespace {

std::string known_names() {
    std::string names;
    for (const auto& [name, unused] : postmortem_sections())
        names += (names.empty() ? "" : ", ") + name;
    return names + "; within a text: title, number, severity, date, duration, scope, rule";
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

// Reads a template line by line into a document.
class Filling {
public:
    Filling(const Stories& stories, Document& document) : stories_(stories), document_(document) {}

    // False: an unknown placeholder, named by `error`.
    bool line(std::string_view text, std::string& error) {
        text = trimmed(text);
        if (text.empty()) {
            end_paragraph();
            return true;
        }
        if (text.starts_with("{{") && text.find("}}") == text.size() - 2) {
            const std::string_view name = trimmed(text.substr(2, text.size() - 4));
            if (const auto section = postmortem_sections().find(name);
                section != postmortem_sections().end()) {
                end_paragraph();
                for (Block& block : section->second(stories_))
                    document_.blocks.push_back(std::move(block));
                return true;
            }
        }
        std::string filled;
        if (!fill(text, filled, error)) return false;
        put(filled);
        return true;
    }

    void end_paragraph() {
        if (!paragraph_.empty()) document_.blocks.push_back(paragraph(plain(paragraph_)));
        if (!items_.empty()) document_.blocks.push_back(list(std::move(items_)));
        paragraph_.clear();
        items_.clear();
    }

private:
    bool fill(std::string_view text, std::string& filled, std::string& error) {
        for (;;) {
            const std::size_t begin = text.find("{{");
            filled += text.substr(0, begin);
            if (begin == std::string_view::npos) return true;
            const std::size_t end = text.find("}}", begin);
            if (end == std::string_view::npos) {
                error = "{{ has no }}";
                return false;
            }
            const std::string_view name = trimmed(text.substr(begin + 2, end - begin - 2));
            bool known = true;
            filled += postmortem_word(stories_, name, known);
            if (!known) {
                error =
                    postmortem_sections().contains(name)
                        ? "{{" + std::string(name) + "}} must stand alone on its line"
                        : "there is no {{" + std::string(name) + "}}. There are " + known_names();
                return false;
            }
            text.remove_prefix(end + 2);
        }
    }

    void put(const std::string& text) {
        const std::size_t level = std::min(text.find_first_not_of('#'), text.size());
        if (level > 0 && level <= 6 && level < text.size() && text[level] == ' ') {
            end_paragraph();
            const std::string words(trimmed(std::string_view(text).substr(level)));
            if (document_.title.empty()) document_.title = words;
            document_.blocks.push_back(heading(static_cast<int>(level), plain(words)));
        } else if (text.starts_with("> ")) {
            end_paragraph();
            document_.blocks.push_back(prompt(text.substr(2)));
        } else if (text.starts_with("- ")) {
            if (!paragraph_.empty()) end_paragraph();
            items_.push_back(plain(text.substr(2)));
        } else {
            if (!items_.empty()) end_paragraph();
            paragraph_ += (paragraph_.empty() ? "" : " ") + text;
        }
    }

    const Stories& stories_;
    Document& document_;
    std::string paragraph_;
    std::vector<Text> items_;
};

}  // namespace

Result<Document, std::string> postmortem(const Stories& stories, std::string_view text) {
    if (text.size() > template_bytes_max)
        return failure("it has more than " + std::to_string(template_bytes_max) + " bytes");
    Document document;
    Filling filling(stories, document);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (std::string error; !filling.line(text.substr(0, end), error))
            return failure("line " + std::to_string(number) + ": " + error);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    filling.end_paragraph();
    if (document.title.empty()) {
        bool known = true;
        document.title = postmortem_word(stories, "title", known);
    }
    return document;
}

}  // namespace runnerwatch
