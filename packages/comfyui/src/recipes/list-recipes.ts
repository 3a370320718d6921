import { ComfyError } from '../errors/comfy-error.ts';
import { hintNearest } from '../notation/nearest-names.ts';
import type { Registry } from '../registry/registry.ts';
import { fitRecipe, type RecipeFit } from './fit-recipe.ts';
import { contactSheet, editKontext, editQwen, removeBackgroundInspyrenet, removeBackgroundRmbg } from './image-edit.ts';
import { inpaint, inpaintDescribed, outpaint, showRegion } from './inpaint.ts';
import type { Recipe, RecipeKind } from './recipe.ts';
import {
  imageToImageFlux,
  imageToImageFluxCheckpoint,
  imageToImageQwen,
  imageToImageSd3,
  imageToImageZImage,
  upscaleCreative,
  upscaleCreativeFlux,
  upscaleCreativeQwen,
  upscaleCreativeSd3,
  upscaleCreativeZImage,
} from './redraw-families.ts';
import { blendImages, hiresFix, imageToImage, loraStack, upscale } from './redraw.ts';
import { blendRedux, controlNet, controlNetEdges, fluxRedux, ipAdapter } from './reference.ts';

import {
  textToImageCheckpoint,
  textToImageFlux,
  textToImageFluxCheckpoint,
  textToImageQwen,
  textToImageSd15,
  textToImageSd3,
  textToImageSdxl,
  textToImageZImage,
} from './text-to-image.ts';
import { imageToVideoLtx, imageToVideoWan, textToVideoLtx, textToVideoWan, videoWan22 } from './video.ts';

/** In the order of preference within a kind: the first that a server can run is the default. */
const RECIPES: readonly Recipe[] = [
  textToImageZImage,
  textToImageQwen,
  textToImageFlux,
  textToImageFluxCheckpoint,
  textToImageSd3,
  textToImageSdxl,
  textToImageSd15,
  textToImageCheckpoint,
  imageToImage,
  imageToImageZImage,
  imageToImageQwen,
  imageToImageFlux,
  imageToImageFluxCheckpoint,
  imageToImageSd3,
  editQwen,
  editKontext,
  inpaint,
  inpaintDescribed,
  showRegion,
  outpaint,
  hiresFix,
  upscale,
  upscaleCreative,
  upscaleCreativeZImage,
  upscaleCreativeQwen,
  upscaleCreativeFlux,
  upscaleCreativeSd3,
  loraStack,
  controlNet,
  controlNetEdges,
  fluxRedux,
  ipAdapter,
  blendRedux,
  blendImages,
  removeBackgroundRmbg,
  removeBackgroundInspyrenet,
  contactSheet,
  videoWan22,
  textToVideoWan,
  textToVideoLtx,
  imageToVideoWan,
  imageToVideoLtx,
];

/** Every recipe that comes with this package. */
export function listRecipes(): readonly Recipe[] {
  return RECIPES;
}

/** @throws ComfyError `unknown_name` with the nearest ids. */
export function recipeById(id: string, recipes: readonly Recipe[] = RECIPES): Recipe {
  const found = recipes.find((recipe) => recipe.id === id);
  if (found !== undefined) return found;
  const hint = hintNearest(
    id,
    recipes.map((recipe) => recipe.id),
  );
  throw new ComfyError('unknown_name', `There is no recipe "${id.slice(0, 100)}".`, hint === undefined ? {} : { hint });
}

/** The recipes that a server can run, in the order of preference, with the models that each would use. */
export function fittingRecipes(
  registry: Registry,
  kind?: RecipeKind,
  recipes: readonly Recipe[] = RECIPES,
): { recipe: Recipe; models: Extract<RecipeFit, { ok: true }>['models'] }[] {
  return recipes.flatMap((recipe) => {
    if (kind !== undefined && recipe.kind !== kind) return [];
    const fit = fitRecipe(recipe, registry);
    return fit.ok ? [{ recipe, models: fit.models }] : [];
  });
}
