namespace Mesh.Bench.Load;

/// <summary>A load whose connections are there, as far as it keeps any: what they cost is not in what is measured.</summary>
internal interface ILoad : IDisposable
{
    /// <summary>Once.</summary>
    /// <exception cref="LoadException">Bytes, answers or connections were lost, or are not those that were sent.</exception>
    LoadResult Run(TimeSpan duration);
}
