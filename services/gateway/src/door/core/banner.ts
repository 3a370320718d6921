/** The front end's page with our line on it. */
export function withBanner(html: string): string {
  const tag = '<script src="/atelier/banner.js" defer></script>';
  return html.includes('</head>') ? html.replace('</head>', `${tag}</head>`) : `${tag}${html}`;
}

/** Shows where the person's work stands, in their browser's language; asks only while the page is looked at. */
export const bannerScript = `(() => {
  const zh = navigator.language.startsWith('zh');
  const line = document.createElement('div');
  line.setAttribute('role', 'status');
  line.style.cssText = 'position:fixed;left:50%;bottom:8px;transform:translateX(-50%);z-index:9999;padding:4px 12px;' +
    'border-radius:12px;background:#1c1c1ee6;color:#fff;font:13px system-ui,sans-serif;pointer-events:none';
  const minutes = (seconds) => seconds < 90 ? Math.round(seconds) + (zh ? ' 秒' : ' s') : Math.round(seconds / 60) + (zh ? ' 分钟' : ' min');
  const words = ({ mine, first }) => {
    if (mine === 0) return zh ? 'Atelier：没有等待的任务' : 'Atelier: nothing of yours waits';
    if (!first) return zh ? 'Atelier：正在准备' : 'Atelier: being prepared';
    if (first.position === 0) return zh ? 'Atelier：正在运行' : 'Atelier: yours is running';
    const starts = first.startsInSeconds;
    const when = !starts ? (zh ? '等待 GPU 恢复' : 'starts when a GPU is back')
      : (zh ? '约 ' : 'starts in about ') + minutes(starts.low) + '–' + minutes(starts.high) + (zh ? '后开始' : '');
    return (zh ? 'Atelier：排在第 ' + first.position + ' 位，' : 'Atelier: number ' + first.position + ' in the queue, ') + when;
  };
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch('/atelier/queue', { headers: { accept: 'application/json' } });
      line.textContent = answer.ok ? words(await answer.json()) : (zh ? 'Atelier：请登录' : 'Atelier: sign in');
    } catch {
      line.textContent = zh ? 'Atelier：服务器暂时不可用' : 'Atelier: the server is away';
    }
  };
  addEventListener('DOMContentLoaded', () => { document.body.append(line); look(); setInterval(look, 3000); });
})();
`;
