-- For wrk: posts the bodies in the file $BODIES, a line of hexadecimal digits each, one after the other.

local headers = { ["Content-Type"] = os.getenv("MEDIA_TYPE") }
local requests, sent = {}, 0

function init()
  for line in io.lines(os.getenv("BODIES")) do
    local body = line:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
    requests[#requests + 1] = wrk.format("POST", "/api/predict", headers, body)
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

-- Errors come as JSON, so that nobody has to read wrk's prose.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "errors": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f}\n',
    summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
