"""Decoder: flow matching on the latents, given the image embedding, the text and known pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.config import DiTConfig
from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.diffusion.losses import logit_normal_times
from unclip.diffusion.process import q_sample, target
from unclip.diffusion.schedule import make_schedule
from unclip.models.autoencoder import Autoencoder
from unclip.models.dit import Known, LatentTransformer, known_channels
from unclip.models.image import ImageTower
from unclip.models.memory import Memory
from unclip.models.prior import Prior
from unclip.models.text import TextTower
from unclip.pipeline.stages import DecoderStage, MemoryStage, PriorStage, TextStage, drain
from unclip.training.data import (
    PROMPTS,
    TEXT_TOKENS,
    generator_of,
    load_tokenizer,
    prepare_run,
    sheet,
    to_tensor,
    tokenize,
)
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

# Shares of the batch whose conditioning is dropped. The paper drops 10 % and 50 % (section 2.1); a
# small model trained briefly does better on what it will be given: both.
DROP_BOTH, DROP_TEXT, DROP_EMBEDDING = 0.10, 0.15, 0.05
KNOWN_SHARE = 0.125
# Mean and spread of the training times' logits. What a picture shows is decided at high noise, from
# the embedding alone; times around the middle teach little but the grain of the latents.
NOISE_LEVELS = 1.1, 1.2
EMBEDDING_NOISE = 0.4


class DecoderObjective(Objective):
    trained = ("decoder",)

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.image is not None
        assert config.autoencoder is not None
        assert isinstance(config.decoder, DiTConfig)
        self.tokenizer = load_tokenizer(workspace)
        self.text, self.image = TextTower(config.text), ImageTower(config.image)
        self.autoencoder = Autoencoder(config.autoencoder)
        for name in ("text", "image", "autoencoder"):
            workspace.load(name, getattr(self, name))
        self.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoder = LatentTransformer(config.decoder)
        self.prior = Prior(config.prior) if workspace.has("prior") else None
        if self.prior is not None:
            workspace.load("prior", self.prior)
        self.memory = Memory(config.memory) if config.memory and workspace.has("memory") else None
        if self.memory is not None:
            workspace.load("memory", self.memory)
        self.schedule = make_schedule(config.decoder.schedule)
        self.recipe, self.composer, self.config = recipe, composer, config
        self.workspace = workspace

    def initialise(self, fresh: bool) -> None:
        if self.decoder.sketch is not None:
            self.workspace.load("sketch", self.decoder.sketch)

    def freeze_others(self) -> None:
        super().freeze_others()
        if self.decoder.sketch is not None:  # it reads what the image tower was taught to write
            self.decoder.sketch.requires_grad_(False)

    def batch(self, index: int) -> Batch:
        return self._batch(self.recipe.seed + 2, index, self.recipe.batch_size)

    def _batch(self, seed: int, index: int, size: int) -> Batch:
        made = compose(self.composer, seed, index, size)
        ids, mask = tokenize(self.tokenizer, made.captions)
        generator = generator_of(seed, index)
        config = self.decoder.config
        noise = torch.randn(
            size, config.latent_channels, config.grid, config.grid, generator=generator
        )
        u = torch.rand(size, generator=generator)
        both = DROP_BOTH
        pixels = to_tensor(made.pixels)
        known = known_masks(max(1, round(KNOWN_SHARE * size)), pixels.shape[-1], generator)
        # Half of those with known pixels are frames moved off their picture, as outpainting does.
        for i in range(len(known) // 2):
            pixels[i], known[i] = moved_frame(pixels[i], generator)
        return {
            "pixels": pixels,
            "ids": ids,
            "mask": mask,
            "t": logit_normal_times(generator, size, *NOISE_LEVELS),
            "noise": noise,
            "embedding_noise": EMBEDDING_NOISE
            * torch.rand(size, 1, generator=generator)
            * F.normalize(torch.randn(size, config.embed_dim, generator=generator), dim=-1),
            "drop_text": u < both + DROP_TEXT,
            "drop_embedding": (u < both) | (u > 1 - DROP_EMBEDDING),
            "known": known,
        }

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        pixels, t = batch["pixels"], batch["t"]
        with torch.no_grad():
            x0 = self.autoencoder.encode(pixels).float()
            z_i = self.image(pixels).float()
            # A prior's embeddings are never exact; the decoder learns to forgive them.
            z_i = F.normalize(z_i + batch["embedding_noise"], dim=-1)
            encoding = self.text(batch["ids"], batch["mask"])
            known = self._known(pixels, batch["known"])
        x_t = q_sample(x0, t, batch["noise"], self.schedule)
        conditioning = self.decoder.condition(
            z_i,
            encoding.states,
            encoding.mask,
            drop_embedding=batch["drop_embedding"],
            drop_text=batch["drop_text"],
        )
        output = self.decoder(x_t, self.schedule.network_time(t).float(), conditioning, known)
        wanted = target(
            self.decoder.config.prediction, x0, batch["noise"], *self.schedule.alpha_sigma(t)
        )
        losses = (output.float() - wanted).square().mean(dim=(1, 2, 3))
        seen = ~(batch["drop_text"] | batch["drop_embedding"])
        full = (losses * seen).sum() / seen.sum().clamp(min=1)
        return {"loss": losses.mean(), "loss_conditioned": full.detach()}

    def _known(self, pixels: Tensor, mask: Tensor) -> Known:
        """Latents of the first rows with the rest greyed out; the other rows know nothing."""
        k, factor = len(mask), self.decoder.config.pixel_factor
        known = known_channels(pixels[:k], mask, self.autoencoder.encode, factor)
        rest = len(pixels) - k
        return Known(*(F.pad(v, (0, 0, 0, 0, 0, 0, 0, rest)) for v in known))

    def sheet(self) -> Image.Image:
        """Each prompt three times through the cascade, then pictures redrawn twice from their z_i.

        Without a trained prior the prompts are left out.
        """
        made = compose(self.composer, self.recipe.seed + 1_000_003, 0, len(PROMPTS))
        truth = to_tensor(made.pixels).to(self.device)
        z_i = self.image(truth)
        rows = [truth]
        columns = zip(made.captions, z_i, strict=True)
        rows += self._rows([self._draw(text, z.expand(2, -1)) for text, z in columns])
        if self.prior is not None:
            rows += self._rows([self._draw(prompt, None, 3) for prompt in PROMPTS])
        return sheet(torch.cat(rows[::-1]), len(PROMPTS))

    @staticmethod
    def _rows(columns: list[Tensor]) -> list[Tensor]:
        return list(torch.stack(columns, dim=1))

    def _draw(self, prompt: str, z_i: Tensor | None, n: int = 2) -> Tensor:
        """`n` pictures of 64 pixels by the stages that generate, from `z_i` or from the prior's."""
        sampling = self.config.sampling
        generators = [torch.Generator().manual_seed(seed) for seed in range(n)]
        decoder = DecoderStage(self.decoder, self.autoencoder, sampling["decoder"])
        with self.autocast():
            reader = TextStage(self.text, self.tokenizer, TEXT_TOKENS)
            texts = drain(reader(prompt))
            noise = decoder.noise(generators)
            if z_i is None:
                assert self.prior is not None
                memory, most = None, self.config.prior.anchors
                if self.memory is not None:
                    memory = MemoryStage(self.memory, reader.embeddings, most)
                prior = PriorStage(self.prior, sampling["prior"], memory=memory)
                z_i = drain(prior(texts, generators, self.config.candidates)).embedding
            return drain(decoder(z_i, texts, noise, generators)).pixels


def known_masks(count: int, side: int, generator: torch.Generator) -> Tensor:
    """Masks `count 1 side side`, 1 where pixels are known: half-planes, rectangles or the rest."""
    masks = torch.zeros(count, 1, side, side)
    for i in range(count):
        kind, cut = torch.randint(4, (2,), generator=generator).tolist()
        if kind == 0:  # outpainting: one side is known
            part = int(side * (0.3 + 0.5 * torch.rand(1, generator=generator).item()))
            masks[i, 0, :, :part] = 1
            masks[i] = torch.rot90(masks[i], cut, (1, 2))
        else:  # inpainting: everything but a rectangle, now and then the reverse
            size = (side * (0.2 + 0.6 * torch.rand(2, generator=generator))).long()
            y, x = ((side - size) * torch.rand(2, generator=generator)).long().tolist()
            masks[i, 0, y : y + size[0], x : x + size[1]] = 1
            masks[i] = 1 - masks[i] if kind < 3 else masks[i]
    return masks


def moved_frame(
    pixels: Float[Tensor, "3 s s"], generator: torch.Generator
) -> tuple[Float[Tensor, "3 s s"], Float[Tensor, "1 s s"]]:
    """The picture seen through a frame moved off it in one of four directions, and what is known.

    What the frame sees beyond the picture continues its edge; that and a part more is unknown.
    """
    side = pixels.shape[-1]
    turn, shift, more = (
        int(torch.randint(low, high, (1,), generator=generator))
        for low, high in ((0, 4), (side // 6, side // 2), (0, side // 4))
    )
    turned = torch.rot90(pixels, turn, (1, 2))
    moved = F.pad(turned[None], (0, shift, 0, 0), mode="replicate")[0, :, :, shift:]
    mask = torch.zeros(1, side, side)
    mask[..., : side - shift - more] = 1
    return torch.rot90(moved, -turn, (1, 2)), torch.rot90(mask, -turn, (1, 2))
