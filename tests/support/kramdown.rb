# Markdown as Jekyll renders it: a JSON string a line on standard input, its HTML as a JSON string on standard output.
require "json"
require "kramdown"
require "kramdown-parser-gfm"

OPTIONS = { input: "GFM", hard_wrap: false, auto_ids: false, math_engine: nil, syntax_highlighter: nil, entity_output: :as_char }.freeze

$stdout.sync = true
$stdin.each_line do |line|
  puts JSON.generate(Kramdown::Document.new(JSON.parse(line), OPTIONS).to_html)
end
