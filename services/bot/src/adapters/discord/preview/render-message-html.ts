import {
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  type APIModalInteractionResponseCallbackData,
  ButtonStyle,
  ComponentType,
  TextInputStyle,
} from 'discord.js';
import type { AttachedFile, MessageBody } from '../messages/message-body.ts';
import { escapeHtml, markdownToHtml } from './markdown-html.ts';

export interface ShownAs {
  /** Said below, as Discord does for what only its reader sees. */
  ephemeral?: boolean;
  /** `Mei used /imagine` */
  usedBy?: { person: string; command: string };
}

/** A message of the bot's as HTML that looks like Discord; needs `discordStyles`. */
export function renderMessageHtml(body: MessageBody, shown: ShownAs = {}): string {
  const { usedBy, ephemeral } = shown;
  const used =
    usedBy === undefined
      ? ''
      : `<div class="dc-used"><b>${escapeHtml(usedBy.person)}</b> used <a>/${escapeHtml(usedBy.command)}</a></div>`;
  const only = ephemeral === true ? '<div class="dc-only">Only you can see this · <a>Dismiss message</a></div>' : '';
  const parts = body.components.map((component) => renderComponent(component, body.files)).join('');
  return `<article class="dc-message">${used}<div class="dc-avatar">A</div><div class="dc-body">
<header><b>Atelier</b><span class="dc-app">APP</span><time>12:34</time></header>${parts}${only}</div></article>`;
}

type AnyComponent = APIMessageTopLevelComponent | APIComponentInContainer;

function renderComponent(component: AnyComponent, files: readonly AttachedFile[]): string {
  switch (component.type) {
    case ComponentType.Container: {
      const { accent_color: accent } = component;
      const colour = typeof accent === 'number' ? `#${accent.toString(16).padStart(6, '0')}` : 'var(--line)';
      const parts = component.components.map((one) => renderComponent(one, files)).join('');
      return `<div class="dc-container" style="border-left-color:${colour}">${parts}</div>`;
    }
    case ComponentType.TextDisplay:
      return `<div class="dc-text">${markdownToHtml(component.content)}</div>`;
    case ComponentType.MediaGallery: {
      const items = component.items.map(({ media, description, spoiler }) => {
        const { name, cover } = coverOf(spoiler);
        return `<figure class="${name}">${mediaHtml(media.url, description ?? '', files)}${cover}</figure>`;
      });
      return `<div class="dc-gallery dc-gallery-${Math.min(4, items.length)}">${items.join('')}</div>`;
    }
    case ComponentType.File: {
      const name = nameOf(component.file.url);
      const bytes = files.find((file) => file.name === name)?.data.length ?? 0;
      return `<div class="dc-file"><div><a>${escapeHtml(name)}</a><small>${sizeText(bytes)}</small></div></div>`;
    }
    case ComponentType.Section: {
      const { accessory } = component;
      const { name, cover } = coverOf('spoiler' in accessory ? accessory.spoiler : false);
      const beside =
        accessory.type === ComponentType.Thumbnail
          ? `<div class="dc-thumb ${name}">${mediaHtml(accessory.media.url, accessory.description ?? '', files)}${cover}</div>`
          : '';
      const texts = component.components.map((one) => renderComponent(one, files)).join('');
      return `<div class="dc-section"><div>${texts}</div>${beside}</div>`;
    }
    case ComponentType.ActionRow:
      return `<div class="dc-row">${component.components.map(renderControl).join('')}</div>`;
    case ComponentType.Separator:
      return '<hr>';
    default:
      return '';
  }
}

function coverOf(spoiler: boolean | undefined): { name: string; cover: string } {
  if (spoiler !== true) return { name: '', cover: '' };
  return { name: 'is-covered', cover: '<span class="dc-spoiler">SPOILER</span>' };
}

const buttonClasses: Partial<Record<number, string>> = {
  [ButtonStyle.Primary]: 'primary',
  [ButtonStyle.Secondary]: 'secondary',
  [ButtonStyle.Success]: 'success',
  [ButtonStyle.Danger]: 'danger',
  [ButtonStyle.Link]: 'secondary',
};

function renderControl(
  control: Extract<AnyComponent, { type: ComponentType.ActionRow }>['components'][number],
): string {
  if (control.type === ComponentType.Button) {
    const label = 'label' in control ? (control.label ?? '') : '';
    const link = control.style === ButtonStyle.Link ? ' ↗' : '';
    return `<button class="dc-button dc-${buttonClasses[control.style] ?? 'secondary'}">${escapeHtml(label)}${link}</button>`;
  }
  const placeholder = 'placeholder' in control ? (control.placeholder ?? '') : '';
  const options = control.type === ComponentType.StringSelect ? control.options : [];
  const entries = options.map(
    ({ label, description }) =>
      `<li>${escapeHtml(label)}${description === undefined ? '' : `<small>${escapeHtml(description)}</small>`}</li>`,
  );
  return `<details class="dc-select"><summary>${escapeHtml(placeholder)}</summary><ul>${entries.join('')}</ul></details>`;
}

/** A form as Discord shows it over the channel. */
export function renderModalHtml(modal: APIModalInteractionResponseCallbackData): string {
  const fields = modal.components.map((one) => {
    if (one.type !== ComponentType.Label) return '';
    const { component, label } = one;
    const required = 'required' in component && !(component.required ?? true) ? '' : ' <em>*</em>';
    return `<label><span>${escapeHtml(label)}${required}</span>${renderField(component)}</label>`;
  });
  return `<section class="dc-modal"><h2>${escapeHtml(modal.title)}</h2>${fields.join('')}<footer>
<button class="dc-button dc-secondary">Cancel</button><button class="dc-button dc-primary">Submit</button></footer></section>`;
}

function renderField(
  component: Extract<
    APIModalInteractionResponseCallbackData['components'][number],
    { type: ComponentType.Label }
  >['component'],
): string {
  if (component.type === ComponentType.StringSelect) {
    const chosen = component.options.find((option) => option.default === true)?.label ?? component.placeholder ?? '';
    return `<div class="dc-input">${escapeHtml(chosen)} <span>⌄</span></div>`;
  }
  if (component.type !== ComponentType.TextInput) return '<div class="dc-input"></div>';
  const value = component.value ?? '';
  const shown =
    value === '' ? `<i>${escapeHtml(component.placeholder ?? '')}</i>` : escapeHtml(value).replaceAll('\n', '<br>');
  return `<div class="dc-input${component.style === TextInputStyle.Paragraph ? ' is-long' : ''}">${shown}</div>`;
}

function mediaHtml(url: string, alt: string, files: readonly AttachedFile[]): string {
  const file = files.find((one) => one.name === nameOf(url));
  const source =
    file === undefined ? url : `data:${file.contentType ?? 'image/png'};base64,${file.data.toString('base64')}`;
  const tag = file?.contentType?.startsWith('video/') === true ? 'video' : 'img';
  return `<${tag} src="${escapeHtml(source)}"${tag === 'img' ? ` alt="${escapeHtml(alt)}"` : ' controls'}>${tag === 'video' ? '</video>' : ''}`;
}

function nameOf(url: string): string {
  return url.replace(/^attachment:\/\//, '');
}

function sizeText(bytes: number): string {
  return bytes < 1_024 ? `${bytes} bytes` : `${(bytes / 1_024).toFixed(1)} KB`;
}
