// The code of the link never leaves this page but for its one use.
const text = document.querySelector('#text');
const button = document.querySelector('#sign-in');
const next = document.querySelector('#next');
const code = location.hash.slice(1);
history.replaceState(undefined, '', location.pathname);

async function signIn() {
  button.disabled = true;
  try {
    const answer = await fetch('/api/v1/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    const body = await answer.json();
    text.textContent = answer.ok ? `Signed in as ${body.displayName} · 已登录` : body.detail;
    next.hidden = !answer.ok;
    button.hidden = true;
  } catch {
    text.textContent = 'No connection: try again. · 无法连接，请重试。';
    button.disabled = false;
  }
}

if (code.length < 20) {
  text.textContent = 'This link is not complete: open it from the chat. · 链接不完整，请从聊天中打开。';
  button.hidden = true;
}
button.addEventListener('click', () => void signIn());
