using System.Security.Cryptography;
using System.Text;
using VlWorker.Contracts;
using VlWorker.ModelKit;

namespace VlWorker.Inference;

/// <summary>What the copies of one alias, on several devices, must have in common.</summary>
internal static class ModelCopies
{
    private const string Tokenizer = "tokenizer.json";

    /// <summary>The one revision of an alias, whichever device a result comes from.</summary>
    /// <param name="alias">The alias.</param>
    /// <param name="copies">For each copy: its device, its files' revision, and whether its entry allows others beside it.</param>
    /// <returns>
    /// The files' revision where all copies have the same; else, if every entry allows it, the SHA-256 of all different revisions in order:
    /// it changes with any of them, and a message that is delivered twice gets the same result ids on any device.
    /// </returns>
    /// <exception cref="ModelFolderException">They differ, and may not.</exception>
    public static ModelReference Reference(string alias, IReadOnlyList<(DeviceName Device, ModelFolder Folder, string Revision, bool MayDiffer)> copies)
    {
        var revisions = copies.Select(copy => copy.Revision).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (revisions.Count == 1)
            return new ModelReference { Alias = alias, Revision = revisions[0] };
        if (copies.All(copy => copy.MayDiffer))
        {
            // Rows are tokenised once, for whichever copy takes them.
            if (copies.Select(copy => Hash(Path.Combine(copy.Folder.Path, Tokenizer))).Distinct(StringComparer.Ordinal).Count() > 1)
                throw new ModelFolderException(copies[0].Folder.Path, [$"the entries of '{alias}' are different models: their {Tokenizer} differ"]);
            var all = Encoding.ASCII.GetBytes(string.Join('\n', revisions));
            return new ModelReference { Alias = alias, Revision = Convert.ToHexStringLower(SHA256.HashData(all)) };
        }

        var files = copies.Select(copy => $"{copy.Device}: {copy.Folder.Precision.ToString().ToLowerInvariant()}, revision {copy.Revision[..8]}");
        throw new ModelFolderException(copies[0].Folder.Path, [
            $"the devices of '{alias}' would run different files ({string.Join("; ", files)}), so that an image's result would depend on the device: "
            + "use the same files, another alias, or set AllowMixedRevisions on each of its entries"]);
    }

    /// <summary>Checks that any copy can take rows that were planned with the first.</summary>
    /// <exception cref="ModelFolderException">They can't.</exception>
    public static void Check(IReadOnlyList<IModel> copies, string folder)
    {
        var first = copies[0];
        foreach (var other in copies.Skip(1))
        {
            var same = other.Tasks.SequenceEqual(first.Tasks, StringComparer.Ordinal) && other.EmbedsText == first.EmbedsText
                && other.TakesPrompt == first.TakesPrompt && other.MaxImages == first.MaxImages && other.Images?.Resize == first.Images?.Resize && other.Resolve(null) == first.Resolve(null);
            if (!same)
            {
                throw new ModelFolderException(folder, [
                    $"the entries of '{first.Reference.Alias}' are different models: they differ in tasks, image size, MaxImages or generation settings"]);
            }
        }
    }

    private static string Hash(string file)
    {
        // A model without a text tower has none.
        if (!File.Exists(file))
            return string.Empty;
        using var stream = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(stream));
    }
}
