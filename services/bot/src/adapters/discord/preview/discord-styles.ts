/** How Discord looks in both of its themes, near enough to judge a message by; the reader's own setting chooses. */
export const discordStyles = `
.platform-discord { --back: #313338; --text: #dbdee1; --strong: #f2f3f5; --muted: #949ba4; --card: #2b2d31; --line: #3f4147; --deep: #1e1f22; --button: #4e5058; --quote: #4e5058; --link: #00a8fc; --mention: #c9cdfb; --mention-back: #3c4270; }
@media (prefers-color-scheme: light) { .platform-discord { --back: #fff; --text: #313338; --strong: #060607; --muted: #5c5e66; --card: #f2f3f5; --line: #e1e3e6; --deep: #e3e5e8; --button: #6d6f78; --quote: #c4c9ce; --link: #006ce7; --mention: #505cdc; --mention-back: #e0e3fd; } }
.platform-discord { background: var(--back); color: var(--text); font: 16px/1.375 'gg sans', 'Noto Sans', 'Noto Sans CJK SC', 'Helvetica Neue', Arial, sans-serif; }
.dc-message { display: grid; grid-template-columns: 56px minmax(0, 1fr); padding: 8px 0; }
.dc-used { grid-column: 2; font-size: 14px; color: var(--muted); margin-bottom: 4px; }
.dc-used b { color: var(--text); } .platform-discord a { color: var(--link); text-decoration: none; }
.dc-avatar { width: 40px; height: 40px; border-radius: 50%; background: #5865f2; color: #fff; display: grid; place-items: center; font-weight: 700; }
.platform-discord header { display: flex; gap: 6px; align-items: center; } .platform-discord header b { color: var(--strong); font-weight: 500; }
.dc-app { background: #5865f2; color: #fff; border-radius: 4px; font-size: 10px; padding: 1px 5px; font-weight: 600; }
.platform-discord time { font-size: 12px; color: var(--muted); }
.dc-container { background: var(--card); border: 1px solid var(--line); border-left: 4px solid; border-radius: 8px; padding: 16px; max-width: 600px; display: grid; gap: 8px; margin-top: 4px; }
.dc-text { display: grid; gap: 2px; overflow-wrap: anywhere; }
.platform-discord h1, .platform-discord h2, .platform-discord h3 { color: var(--strong); margin: 0; font-size: 16px; line-height: 22px; } .platform-discord p { margin: 0; white-space: pre-wrap; }
.platform-discord h1 { font-size: 24px; } .platform-discord h2 { font-size: 20px; }
.platform-discord small { font-size: 13px; color: var(--muted); display: block; }
.platform-discord blockquote { border-left: 4px solid var(--quote); border-radius: 4px; margin: 0; padding: 0 12px; }
.platform-discord code { background: var(--deep); border-radius: 4px; padding: 1px 4px; font: 14px Consolas, monospace; }
.platform-discord pre { background: var(--deep); border: 1px solid var(--line); border-radius: 4px; padding: 8px; margin: 4px 0; font: 14px Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.platform-discord .mention { background: var(--mention-back); color: var(--mention); border-radius: 3px; padding: 0 2px; }
.dc-gallery { display: grid; gap: 4px; border-radius: 8px; overflow: hidden; }
.dc-gallery-2, .dc-gallery-4 { grid-template-columns: 1fr 1fr; } .dc-gallery-3 { grid-template-columns: 1fr 1fr 1fr; }
.dc-gallery figure { margin: 0; position: relative; } .dc-gallery img, .dc-gallery video { width: 100%; height: 100%; max-height: 350px; object-fit: cover; display: block; }
.dc-gallery-1 img, .dc-gallery-1 video { width: auto; max-width: 100%; object-fit: contain; }
.is-covered img { filter: blur(40px); } .dc-spoiler { position: absolute; inset: 0; margin: auto; width: 80px; height: 28px; border-radius: 14px; background: #0009; color: #fff; display: grid; place-items: center; font-size: 13px; font-weight: 600; }
.dc-row { display: flex; flex-wrap: wrap; gap: 8px; }
.dc-button { border: 0; border-radius: 8px; min-height: 32px; padding: 2px 16px; color: #fff; font: 500 14px/1 inherit; font-family: inherit; }
.dc-primary { background: #5865f2; } .dc-secondary { background: var(--button); } .dc-success { background: #248046; } .dc-danger { background: #da373c; }
.dc-select { background: var(--deep); border-radius: 8px; padding: 8px 12px; width: 100%; max-width: 400px; font-size: 14px; } .dc-select summary { color: var(--muted); list-style: none; }
.dc-select summary::after { content: '⌄'; float: right; } .dc-select ul { margin: 8px 0 0; padding: 0; list-style: none; display: grid; gap: 8px; }
.dc-file { display: flex; gap: 12px; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; max-width: 432px; margin-top: 4px; }
.dc-section { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 12px; } .dc-thumb { position: relative; overflow: hidden; border-radius: 8px; } .dc-thumb img { width: 80px; height: 80px; object-fit: cover; border-radius: 8px; }
.dc-only { font-size: 12px; color: var(--muted); margin-top: 4px; }
.dc-modal { background: var(--back); border: 1px solid var(--deep); border-radius: 8px; padding: 16px; max-width: 440px; box-shadow: 0 8px 24px #0008; display: grid; gap: 16px; }
.dc-modal label { font-size: 14px; font-weight: 500; display: grid; gap: 6px; } .dc-modal em { color: #f23f43; font-style: normal; }
.dc-input { background: var(--deep); border-radius: 4px; padding: 10px; font-weight: 400; font-size: 16px; min-height: 22px; } .dc-input.is-long { min-height: 88px; } .dc-input i { color: var(--muted); font-style: normal; } .dc-input span { float: right; }
.dc-modal footer { display: flex; gap: 8px; justify-content: flex-end; }
`;
