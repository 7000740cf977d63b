#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

// A text with headings, tables and log excerpts, before it is Markdown or HTML. Pure; the same
// document gives the same bytes. Any text may stand in it: what would be markup is escaped,
// control characters and the like are shown (visible_text).
namespace runnerwatch {

struct Span {
    std::string text;
    bool code = false;
};
using Text = std::vector<Span>;

// `text` as it is, and a log line, command or name as code.
Text plain(std::string text);
Text code(std::string text);
Text operator+(Text first, const Text& second);
std::string words_of(const Text& text);

struct Block {
    enum class Kind {
        heading,    // `level` 1 to 6, `text`
        paragraph,  // `text`
        list,       // `items`
        table,      // `rows`, the first being the headings
        code,       // `source`: lines as they are
        prompt      // `text`: what only people can fill in
    };
    Kind kind = Kind::paragraph;
    int level = 0;
    Text text{};
    std::vector<Text> items{};
    std::vector<std::vector<Text>> rows{};
    std::string source{};
};

Block heading(int level, Text text);
Block paragraph(Text text);
Block list(std::vector<Text> items);
Block table(std::vector<std::vector<Text>> rows);
Block code_block(std::string source);
Block prompt(std::string text);

struct Document {
    std::string title;
    std::vector<Block> blocks;
};

// CommonMark with the tables of GitHub and GitLab. "#12" is escaped: it is an incident here, and
// would become a link to an issue there.
std::string to_markdown(const Document& document);

// One page that needs no network and no script, for screens of any width and for paper.
std::string to_html(const Document& document);

nlohmann::ordered_json to_json(const Document& document);

}  // namespace runnerwatch
