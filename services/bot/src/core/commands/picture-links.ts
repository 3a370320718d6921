/** Links to what calls itself a picture, wherever they stand among the words; `<…>` is how chats keep them unshown. */
const pattern = /<?(https:\/\/[^\s<>"]+?\.(?:png|jpe?g|webp|gif|avif)(?:\?[^\s<>"]*)?)>?(?=[\s)\]},;!?]|$)/gi;

export interface LinkedWords {
  /** Without the links. */
  text: string;
  links: string[];
}

/** Takes the links to pictures out of what somebody wrote, each once, in their order. */
export function takeOutPictureLinks(words: string): LinkedWords {
  const links: string[] = [];
  const text = words.replaceAll(pattern, (_found, link: string) => {
    if (!links.includes(link)) links.push(link);
    return '';
  });
  return links.length === 0 ? { text: words, links } : { text: text.replaceAll(/[ \t]{2,}/g, ' ').trim(), links };
}
