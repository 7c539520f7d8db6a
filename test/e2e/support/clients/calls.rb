# Calls an origin by net/http, and prints what it answered: ruby calls.rb URL
require "net/http"

origin = URI(ARGV.fetch(0))
[["/next", nil], ["/next", nil], ["/echo", "hello"]].each do |path, body|
  url = origin + path
  response = body.nil? ? Net::HTTP.get_response(url) : Net::HTTP.post(url, body)
  puts "#{response.code} #{response.body}"
end
