#pragma once

#include "parsers/byte_set.h"
#include "parsers/pattern_program.h"

#include <string>
#include <vector>

namespace runnerwatch {

// What is done to the steps of a PatternProgram when all of them stand there.

// Bytes that follow each other are compared at once, where no jump leads between them. `literals`
// are put in the order of the steps.
void join_literals(std::vector<PatternProgram::Step>& steps, std::string& literals);

// Says of each step what the text must go on with, and of runs where they end.
void look_ahead(std::vector<PatternProgram::Step>& steps, const std::vector<ByteSet>& sets,
                const std::string& literals);

}  // namespace runnerwatch
