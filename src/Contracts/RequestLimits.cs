namespace VlWorker.Contracts;

/// <summary>Bounds on what a request may hold; <see cref="DescribeImage.Validate"/> checks them.</summary>
public static class RequestLimits
{
    /// <summary>Size of a whole request in bytes. Every request that keeps the other bounds is smaller.</summary>
    public const int MessageBytes = 1024 * 1024;

    /// <summary>An id or a job id, in bytes of UTF-8: what AMQP's message-id and correlation-id can hold.</summary>
    public const int IdBytes = 255;

    /// <summary>A bucket, an entity tag, a version or a model's alias, in bytes of UTF-8.</summary>
    public const int NameBytes = 255;

    /// <summary>A key, in bytes of UTF-8: S3's own bound.</summary>
    public const int KeyBytes = 1024;

    /// <summary>Entries in the list of tasks.</summary>
    public const int Tasks = 8;

    /// <summary>A prompt, in UTF-16 code units.</summary>
    public const int PromptLength = 8192;

    /// <summary>Images of a request: the one and what <see cref="DescribeImage.MoreImages"/> adds.</summary>
    public const int Images = 16;

    /// <summary>Labels of a request.</summary>
    public const int Labels = 1024;

    /// <summary>A label, or the template around it, in UTF-16 code units.</summary>
    public const int LabelLength = 512;

    /// <summary>All labels of a request together, in UTF-16 code units.</summary>
    public const int LabelsLength = 32768;

    /// <summary>Stop strings of a request.</summary>
    public const int Stops = 8;

    /// <summary>A stop string, in UTF-16 code units.</summary>
    public const int StopLength = 64;

    /// <summary>A text to embed, in UTF-16 code units.</summary>
    public const int TextLength = 65536;

    /// <summary>Entries in a context.</summary>
    public const int ContextEntries = 16;

    /// <summary>All keys and values of a context together, in UTF-16 code units.</summary>
    public const int ContextLength = 4096;
}
