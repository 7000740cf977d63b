#include "alerts/document.h"

#include "parsers/visible_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

using json = nlohmann::ordered_json;

bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The longest run of backticks in `text`.
std::size_t longest_run(std::string_view text) {
    std::size_t longest = 0, run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

enum class Where { block, cell };

std::string markdown_words(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const char before = i > 0 ? text[i - 1] : ' ',
                   after = i + 1 < text.size() ? text[i + 1] : ' ';
        bool escape = std::string_view("\\`*[]<>|~").find(c) != std::string_view::npos;
        if (c == '_') escape = !is_word(before) || !is_word(after);
        if (c == '&') escape = is_word(after) || after == '#';
        if (c == '#') escape = i == 0 || is_digit(after);
        if (c == '-' || c == '+' || c == '=') escape = i == 0;
        if ((c == '.' || c == ')') && i > 0 && is_digit(before))  // "1. " would begin a list
            escape =
                std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), is_digit);
        if (escape) out += '\\';
        out += c;
    }
    return out;
}

std::string markdown(const Text& text, Where where) {
    std::string out;
    for (const Span& span : text) {
        const std::string shown = visible_text(span.text);
        if (shown.empty()) continue;
        if (!span.code) {
            out += markdown_words(shown);
            continue;
        }
        const std::string fence(longest_run(shown) + 1, '`');
        const bool pad = shown.front() == '`' || shown.back() == '`';
        out += fence + (pad ? " " : "");
        for (const char c : shown) {
            if (c == '|' && where == Where::cell) out += '\\';
            out += c;
        }
        out += (pad ? " " : "") + fence;
    }
    return out;
}

std::string markdown_table(const std::vector<std::vector<Text>>& rows) {
    std::string out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        out += "|";
        for (const Text& cell : rows[i]) out += " " + markdown(cell, Where::cell) + " |";
        out += "\n";
        if (i > 0) continue;
        out += "|";
        for (std::size_t column = 0; column < rows[i].size(); ++column) out += " --- |";
        out += "\n";
    }
    return out;
}

std::string html_words(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string html(const Text& text) {
    std::string out;
    for (const Span& span : text) {
        const std::string shown = html_words(visible_text(span.text));
        out += span.code ? "<code>" + shown + "</code>" : shown;
    }
    return out;
}

std::string html_table(const std::vector<std::vector<Text>>& rows) {
    std::string out = "<table>\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string cell = i == 0 ? "th" : "td";
        out += i == 0 ? "<thead><tr>" : "<tr>";
        for (const Text& text : rows[i]) out += "<" + cell + ">" + html(text) + "</" + cell + ">";
        out += i == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
    }
    return out + "</tbody>\n</table>\n";
}

constexpr const char* style = R"css(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --tint: #f6f8fa; --ask: #fff8e1; --edge: #b58900; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #3d444d;
  --tint: #161b22; --ask: #2b2611; --edge: #d9a800; --paper: #0d1117; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 62rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { margin-top: 2rem; font-size: 1.3rem;
  border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; font-size: .9rem; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: break-word; } th { background: var(--tint); }
td code { overflow-wrap: anywhere; } td:first-child { overflow-wrap: normal; }
code, pre { font: .85em/1.45 ui-monospace, monospace; background: var(--tint); }
code { padding: .1em .25em; } pre { padding: .6rem .8rem; border: 1px solid var(--line);
  white-space: pre-wrap; }
.ask { margin: .8rem 0; padding: .5rem .8rem; background: var(--ask);
  border-left: 4px solid var(--edge); } .ask b { color: var(--edge); }
@media (max-width: 40rem) { table { display: block; overflow-x: auto; } }
@media print { @page { margin: 16mm; } :root { --ink: #000; --soft: #333; --line: #999;
  --tint: #f4f4f4; --ask: #fff; --edge: #555; --paper: #fff; font-size: 10pt; }
  body { margin: 0; padding: 0 1px; max-width: none; font-size: 1rem; }
  h1, h2, h3, p:has(+ :is(pre, table, ul, h3)), p:has(+ p + table) { break-after: avoid; }
  tr, pre, li, .ask, table:not(:has(tr:nth-child(13))) { break-inside: avoid; }
  thead, tbody tr:first-child { break-after: avoid; } tbody tr:last-child { break-before: avoid; }
  thead { display: table-header-group; } th, td { padding: .2rem .4rem; }
  td:last-child:has(code) { min-width: 5cm; }
  table:has(th:nth-child(5)) td:first-child:not(:has(code)) { min-width: 3.4cm; } }
)css";

}  // namespace

Text plain(std::string text) { return {Span{std::move(text), false}}; }
Text code(std::string text) { return {Span{std::move(text), true}}; }

Text operator+(Text first, const Text& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

std::string words_of(const Text& text) {
    std::string words;
    for (const Span& span : text) words += span.text;
    return words;
}

Block heading(int level, Text text) {
    return {.kind = Block::Kind::heading, .level = level, .text = std::move(text)};
}
Block paragraph(Text text) { return {.kind = Block::Kind::paragraph, .text = std::move(text)}; }
Block list(std::vector<Text> items) {
    return {.kind = Block::Kind::list, .items = std::move(items)};
}
Block table(std::vector<std::vector<Text>> rows) {
    return {.kind = Block::Kind::table, .rows = std::move(rows)};
}
Block code_block(std::string source) {
    return {.kind = Block::Kind::code, .source = std::move(source)};
}
Block prompt(std::string text) {
    return {.kind = Block::Kind::prompt, .text = plain(std::move(text))};
}

std::string to_markdown(const Document& document) {
    std::string out;
    for (const Block& block : document.blocks) {
        if (!out.empty()) out += "\n";
        switch (block.kind) {
            case Block::Kind::heading:
                out += std::string(static_cast<std::size_t>(block.level), '#') + " " +
                       markdown(block.text, Where::block) + "\n";
                break;
            case Block::Kind::paragraph:
                out += markdown(block.text, Where::block) + "\n";
                break;
            case Block::Kind::list:
                for (const Text& item : block.items)
                    out += "- " + markdown(item, Where::block) + "\n";
                break;
            case Block::Kind::table:
                out += markdown_table(block.rows);
                break;
            case Block::Kind::code: {
                const std::string fence(std::max<std::size_t>(3, longest_run(block.source) + 1),
                                        '`');
                out += fence + "text\n" + visible_text(block.source, Newlines::keep) + "\n" +
                       fence + "\n";
                break;
            }
            case Block::Kind::prompt:
                out += "> **To fill in:** " + markdown(block.text, Where::block) + "\n";
                break;
        }
    }
    return out;
}

std::string to_html(const Document& document) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>" +
        html(plain(document.title)) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n";
    for (const Block& block : document.blocks) {
        switch (block.kind) {
            case Block::Kind::heading: {
                const std::string name = "h" + std::to_string(block.level);
                out += "<" + name + ">" + html(block.text) + "</" + name + ">\n";
                break;
            }
            case Block::Kind::paragraph:
                out += "<p>" + html(block.text) + "</p>\n";
                break;
            case Block::Kind::list:
                out += "<ul>\n";
                for (const Text& item : block.items) out += "<li>" + html(item) + "</li>\n";
                out += "</ul>\n";
                break;
            case Block::Kind::table:
                out += html_table(block.rows);
                break;
            case Block::Kind::code:
                out +=
                    "<pre>" + html_words(visible_text(block.source, Newlines::keep)) + "</pre>\n";
                break;
            case Block::Kind::prompt:
                out += "<p class=\"ask\"><b>To fill in:</b> " + html(block.text) + "</p>\n";
                break;
        }
    }
    return out + "</body>\n</html>\n";
}

json to_json(const Document& document) {
    static const char* const kinds[] = {"heading", "paragraph", "list", "table", "code", "prompt"};
    json blocks = json::array();
    for (const Block& block : document.blocks) {
        json value{{"kind", kinds[static_cast<std::size_t>(block.kind)]}};
        if (block.level > 0) value["level"] = block.level;
        if (!block.text.empty()) value["text"] = words_of(block.text);
        if (!block.source.empty()) value["source"] = block.source;
        for (const Text& item : block.items) value["items"].push_back(words_of(item));
        for (const auto& row : block.rows) {
            json cells = json::array();
            for (const Text& cell : row) cells.push_back(words_of(cell));
            value["rows"].push_back(std::move(cells));
        }
        blocks.push_back(std::move(value));
    }
    return {{"title", document.title}, {"blocks", blocks}};
}

}  // namespace runnerwatch
