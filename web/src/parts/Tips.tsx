import { Tooltip } from '@mantine/core';
import { useEffect, useId, useState } from 'react';

const PAUSE = 250;

const tipped = (event: Event): HTMLElement | null =>
  event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;

/**
 * What `data-tip` of any element says, while it is pointed at or has the keyboard's focus.
 *
 * One for the whole page: a tooltip of its own costs an element ten times what drawing it costs,
 * and long lists have two in each row.
 */
export function Tips() {
  const id = useId();
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const [text, setText] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let next: HTMLElement | null = null;
    const show = (element: HTMLElement | null) => {
      if (element === next) return;
      next = element;
      clearTimeout(timer);
      if (element === null) setTarget(null);
      else timer = setTimeout(() => setTarget(element), PAUSE);
    };
    const over = (event: PointerEvent) => {
      if (event.pointerType !== 'touch') show(tipped(event));
    };
    const focus = (event: FocusEvent) => {
      const element = tipped(event);
      if (element?.matches(':focus-visible')) show(element);
    };
    let isTouch = false;
    const press = (event: PointerEvent) => {
      isTouch = event.pointerType === 'touch';
    };
    // A finger does not point: it learns why a button does nothing by trying it.
    const tap = (event: MouseEvent) => {
      const element = tipped(event);
      if (isTouch) show(element?.matches('[aria-disabled="true"]') ? element : null);
    };
    const end = () => show(null);
    const escape = (event: KeyboardEvent) => event.key === 'Escape' && end();
    document.addEventListener('pointerover', over);
    document.addEventListener('pointerdown', press);
    document.addEventListener('click', tap);
    document.documentElement.addEventListener('pointerleave', end);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', end);
    document.addEventListener('keydown', escape);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('pointerover', over);
      document.removeEventListener('pointerdown', press);
      document.removeEventListener('click', tap);
      document.documentElement.removeEventListener('pointerleave', end);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('focusout', end);
      document.removeEventListener('keydown', escape);
    };
  }, []);
  useEffect(() => {
    if (!target) return undefined;
    // It may say something else after a click: "Copied".
    const read = () => setText(target.dataset.tip ?? '');
    const changes = new MutationObserver(read);
    read();
    changes.observe(target, { attributeFilter: ['data-tip'] });
    target.setAttribute('aria-describedby', id);
    return () => {
      changes.disconnect();
      target.removeAttribute('aria-describedby');
    };
  }, [target, id]);
  if (!target || text === '') return null;
  return <Tooltip key={text} role="tooltip" target={target} label={<span id={id}>{text}</span>} opened multiline maw={360} />;
}
