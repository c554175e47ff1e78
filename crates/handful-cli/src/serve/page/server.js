// The server's documents.

/** A JSON document. */
export function ask(path, query = {}) {
  return found(fetch(address(path, query)));
}

/** The answer to a body. */
export function post(path, body, query = {}) {
  return found(fetch(address(path, query), { method: 'POST', body }));
}

/** The file that answers a body. */
export function postForFile(path, body, query = {}) {
  return found(fetch(address(path, query), { method: 'POST', body }), (response) => response.blob());
}

function address(path, query) {
  const search = new URLSearchParams(query).toString();
  return search ? `${path}?${search}` : path;
}

/** Errors are sentences with a `status`. If `mayPass` is set, the same request may succeed later. */
async function found(request, read = (response) => response.json()) {
  const response = await request.catch(() => {
    throw Object.assign(new Error('The server does not answer; is it still running?'), { mayPass: true });
  });
  const { ok, status } = response;
  const document = await (ok ? read(response) : response.json()).catch(() => {
    throw new Error('The server’s answer cannot be read.');
  });
  if (ok) return document;
  throw Object.assign(new Error(document.error), { status, mayPass: status === 503 });
}
