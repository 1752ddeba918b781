/**
 * `/wialon/post.html`: the page through which the provider's own browser libraries ask. They load it in a hidden
 * frame and post JSON texts to it:
 *
 *   {id: 0, source}                → {id: 0, source}: the frame is ready
 *   {id, source, url, params}      → {id, source, error: 0, text}: the answer of a POST of the form `params` to `url`
 *                                    {id, source, error: 1}: there was no answer, or none in JSON
 */
export const postPage = `<!DOCTYPE html>
<html><head><title>post</title></head><body><script>
addEventListener('message', async ({ data, source, origin }) => {
  let request;
  try {
    request = JSON.parse(data);
  } catch {
    return;
  }
  const answer = (fields) =>
    source.postMessage(JSON.stringify({ id: request.id, source: request.source, ...fields }), origin);
  if (!request.id) return answer({});
  try {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(request.url, { method: 'POST', headers, body: request.params });
    answer({ error: 0, text: await response.json() });
  } catch {
    answer({ error: 1 });
  }
});
</script></body></html>
`;
