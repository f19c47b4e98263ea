using VlWorker.Demo.Gallery;

namespace VlWorker.Demo;

/// <summary>The images below a folder, and what else lies there.</summary>
/// <param name="Keys">Paths below the folder with / between folders, in ordinal order.</param>
/// <param name="Beyond">Images left out by the limit.</param>
/// <param name="Skipped">Files that are not submitted.</param>
/// <param name="Unreadable">Folders that can't be listed: they may hold images that get no result.</param>
internal sealed record ImageScan(IReadOnlyList<string> Keys, int Beyond, IReadOnlyList<GalleryNote> Skipped, IReadOnlyList<string> Unreadable)
{
    /// <summary>Walks a folder and all below it. Links to folders are not followed, so there are no loops.</summary>
    /// <param name="root">Full path of the folder.</param>
    /// <param name="output">Full path of the demo's own output, which is passed over.</param>
    /// <param name="limit">Images at most.</param>
    /// <param name="cancellation">Stops the walk.</param>
    public static ImageScan Run(string root, string output, int? limit, CancellationToken cancellation)
    {
        var walk = new Walk(root, output, cancellation);
        walk.Folder(new DirectoryInfo(root));
        walk.Keys.Sort(StringComparer.Ordinal);
        walk.Skipped.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        var taken = Math.Min(limit ?? int.MaxValue, walk.Keys.Count);
        return new ImageScan(walk.Keys[..taken], walk.Keys.Count - taken, walk.Skipped, walk.Unreadable);
    }

    private sealed class Walk(string root, string output, CancellationToken cancellation)
    {
        public List<string> Keys { get; } = [];

        public List<GalleryNote> Skipped { get; } = [];

        public List<string> Unreadable { get; } = [];

        public void Folder(DirectoryInfo top)
        {
            var folders = new Stack<DirectoryInfo>([top]);
            while (folders.TryPop(out var folder))
            {
                try
                {
                    foreach (var entry in folder.EnumerateFileSystemInfos())
                    {
                        cancellation.ThrowIfCancellationRequested();
                        if (entry is DirectoryInfo below)
                            Below(below, folders);
                        else
                            File(entry.FullName);
                    }
                }
                catch (Exception error) when (error is UnauthorizedAccessException or IOException)
                {
                    Unreadable.Add(folder == top ? "." : KeyOf(folder.FullName));
                }
            }
        }

        private void Below(DirectoryInfo folder, Stack<DirectoryInfo> folders)
        {
            if (string.Equals(folder.FullName, output, StringComparison.Ordinal))
                return;
            if (folder.LinkTarget is null && !folder.Attributes.HasFlag(FileAttributes.ReparsePoint))
                folders.Push(folder);
            else
                Skip(folder.FullName, "link-to-folder", "links to folders are not followed");
        }

        private void File(string path)
        {
            if (!IsUnicode(path))
                Skip(path, "bad-name", "the name is not valid Unicode");
            else if (FileKind.IsSpecial(path))
                Skip(path, "special-file", "a pipe, a socket or a device");
            else if (ImageNames.HasImageExtension(path) || StartsLikeImage(path))
                Keys.Add(KeyOf(path));
            else if (Path.GetDirectoryName(path) != output)
                Skip(path, "not-an-image", "neither its name nor its first bytes are an image's");
        }

        private static bool StartsLikeImage(string path)
        {
            try
            {
                using var file = System.IO.File.OpenHandle(path);
                var header = new byte[ImageNames.HeaderLength];
                var length = RandomAccess.Read(file, header, 0);
                return ImageNames.LooksLikeImage(header.AsSpan(0, length));
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException or NotSupportedException)
            {
                // It may be an image: the store says why it can't be read.
                return true;
            }
        }

        private void Skip(string path, string reason, string detail) => Skipped.Add(new GalleryNote(KeyOf(path), reason, detail));

        private string KeyOf(string path) => Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/');

        /// <summary>Whether every surrogate has its pair: other names can't be written as UTF-8.</summary>
        private static bool IsUnicode(string path)
        {
            for (var i = 0; i < path.Length; i++)
            {
                if (char.IsSurrogate(path[i]) && !(i + 1 < path.Length && char.IsSurrogatePair(path[i], path[++i])))
                    return false;
            }

            return true;
        }
    }
}
