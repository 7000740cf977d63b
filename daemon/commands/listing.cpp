#include "daemon/commands/listing.h"

#include "daemon/commands/text_blocks.h"
#include "parsers/ascii_lower.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

// A cell as people read it: lists joined by commas, nothing for null and false.
std::string cell(const json& row, const std::string& key) {
    const auto found = row.find(key);
    if (found == row.end() || found->is_null()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (found->is_boolean()) return found->get<bool>() ? "yes" : "";
    if (found->is_array()) {
        std::string text;
        for (const json& item : *found)
            text += (text.empty() ? "" : ", ") +
                    (item.is_string() ? item.get<std::string>() : item.dump());
        return text;
    }
    if (found->is_object()) {
        std::string text;
        for (const auto& [name, value] : found->items())
            text += (text.empty() ? "" : " ") + name + ":" +
                    (value.is_string() ? value.get<std::string>() : value.dump());
        return text;
    }
    return found->dump();
}

std::string table(const Listing& listing) {
    std::vector<std::size_t> widths;
    for (const auto& column : listing.columns) {
        std::size_t width = character_count(column.heading);
        for (const json& row : listing.rows)
            width = std::max(width, character_count(cell(row, column.key)));
        widths.push_back(width);
    }
    std::string text;
    const auto line = [&](auto&& word) {
        std::string written;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string one = word(listing.columns[i]);
            written += one;
            if (i + 1 < widths.size()) written.append(widths[i] - character_count(one) + 2, ' ');
        }
        written.erase(written.find_last_not_of(' ') + 1);
        text += written + "\n";
    };
    line([](const Listing::Column& column) { return column.heading; });
    for (const json& row : listing.rows)
        line([&](const Listing::Column& column) { return cell(row, column.key); });
    return text;
}

std::string markdown(const Listing& listing) {
    std::string text = "|", rule = "|";
    for (const auto& column : listing.columns) {
        text += " " + column.heading + " |";
        rule += "---|";
    }
    text += "\n" + rule + "\n";
    for (const json& row : listing.rows) {
        text += "|";
        for (const auto& column : listing.columns) {
            text += " ";
            for (const char c : cell(row, column.key))
                text += c == '|' ? std::string("\\|") : std::string(1, c == '\n' ? ' ' : c);
            text += " |";
        }
        text += "\n";
    }
    return text;
}

// Whether a plain text would be read as something else: a number, a truth, several lines.
bool needs_quotes(const std::string& text) {
    static const std::vector<std::string> words{"true", "false", "yes", "no", "on", "off", "null"};
    return text.empty() || text.find('\n') != std::string::npos ||
           std::string_view("0123456789+-.").find(text.front()) != std::string_view::npos ||
           std::find(words.begin(), words.end(), ascii_lower(text)) != words.end();
}

void emit(YAML::Emitter& out, const json& value) {
    if (value.is_object()) {
        if (value.empty()) out << YAML::Flow;
        out << YAML::BeginMap;
        for (const auto& [name, member] : value.items()) {
            out << YAML::Key << name << YAML::Value;
            emit(out, member);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        if (value.empty()) out << YAML::Flow;
        out << YAML::BeginSeq;
        for (const json& item : value) emit(out, item);
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        const std::string text = value.get<std::string>();
        if (needs_quotes(text)) out << YAML::DoubleQuoted;
        out << text;
    } else {
        out << value.dump();
    }
}

}  // namespace

std::optional<ListFormat> list_format_from(std::string_view word) {
    if (word == "table") return ListFormat::table;
    if (word == "json") return ListFormat::json;
    if (word == "yaml") return ListFormat::yaml;
    if (word == "markdown") return ListFormat::markdown;
    return std::nullopt;
}

std::string rendered(const Listing& listing, ListFormat format) {
    switch (format) {
        case ListFormat::table:
            return table(listing);
        case ListFormat::markdown:
            return markdown(listing);
        case ListFormat::json:
            return json_text(json(listing.rows));
        case ListFormat::yaml:
            break;
    }
    return yaml_text(json(listing.rows));
}

std::string json_text(const json& document) {
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string yaml_text(const json& document) {
    YAML::Emitter out;
    emit(out, document);
    return std::string(out.c_str()) + "\n";
}

}  // namespace runnerwatch
